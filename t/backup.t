# The commands of docs/operations.md that back up a store and restore it, as they
# are printed there, while nginx writes.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Nginx;
use POSIX ();
use Test::More;

my $json = JSON::PP->new->utf8;

my $nginx = Nginx->new(http => 'realtime_store sqlite:%%DIR%%/realtime.db;',
                       config => 'location /t { realtime_transcripts; }');
$nginx->{owner} = $$;


# the commands of the n-th block of "Backup", in this test's folder
sub block {
    my ($n) = @_;

    open my $in, '<', 'docs/operations.md' or die $!;
    local $/;
    my ($chapter) = <$in> =~ /^## Backup\n(.*?)^## /ms;
    my $commands = ($chapter =~ /^```sh\n(.*?)^```/msg)[$n];
    my $owner = getpwuid((stat "$nginx->{dir}/realtime.db")[4]);
    my $group = getgrgid((stat "$nginx->{dir}/realtime.db")[5]);

    $commands =~ s{/var/lib/nginx/realtime|/var/backups(?=/realtime)}{$& eq '/var/backups' ? "$nginx->{dir}/backups"
                                                                                          : $nginx->{dir}}ge;
    $commands =~ s/-o www-data -g www-data/-o $owner -g $group/;

    return $commands;
}


sub run {
    my ($n) = @_;

    my $out = `timeout 30 sh -euc "\$(cat <<'END'\n@{[block($n)]}END\n)" 2>&1`;

    return ($?, $out);
}


# posts until it is told to end
sub writer {
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    my $run = 1;
    local $SIG{TERM} = sub { $run = 0 };

    while ($run) {
        my $socket = $nginx->connected;
        for (my $i = 0; $run && $i < 500; $i++) {
            my ($status) = $nginx->request($socket, 'POST /t', '{"text":"meanwhile","session_id":"new"}');
            POSIX::_exit(1) if ($status // 0) != 200;
        }
    }

    POSIX::_exit(0);
}


# name => number of turns
sub sessions {
    my (undef, $body) = $nginx->request($nginx->connected, 'GET /t/sessions');

    return { map { $_->{session_id} => $_->{count} } @{ $json->decode($body)->{sessions} } };
}


umask 022;
mkdir "$nginx->{dir}/backups" or die $!;

my $many = $json->encode([map { { text => 'x' x 2000, session_id => 'old' } } 1 .. 100]);
my $socket = $nginx->connected;
for (1 .. 100) {
    my ($status) = $nginx->request($socket, 'POST /t', $many);
    die "not stored: $status" if $status != 200;
}

my @writers = map { writer() } 1 .. 4;
Nginx::wait_until(sub { (sessions()->{new} // 0) > 20 }, 'they write');

for ('the first', 'the next') {
    my ($status, $out) = run(0);

    is($status, 0, "$_ backup is made under load");
    is($out, "ok\n", 'and whole');
}

my $copy = sessions()->{new};
Nginx::wait_until(sub { sessions()->{new} > $copy }, 'they still do');
kill 'TERM', @writers;
for (@writers) {
    waitpid $_, 0;
    is($?, 0, 'no write was refused meanwhile');
}

is((stat "$nginx->{dir}/backups/realtime.db")[2] & 0777, 0600, 'nobody else may read the copy');
is(sessions()->{old}, 10000, 'all was in the store');

$nginx->stop('KILL');
my ($status, $out) = run(1);
is("$status$out", '0', 'it is restored');
$nginx->start;

is(sessions()->{old}, 10000, 'with all of what was there');
cmp_ok(sessions()->{new}, '<=', $copy, 'and what came before the copy');
is(($nginx->request($nginx->connected, 'POST /t', '{"text":"after"}'))[0], 200, 'and it is written again');

$nginx->stop('QUIT');
unlike($nginx->log, qr/\[(error|crit|emerg)\]/, 'a quiet log');

done_testing();
