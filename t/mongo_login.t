# What the URI says to a real server: users, authSource, TLS, replicaSet, write
# concern. FerretDB, whose options these are.

use strict;
use warnings;

use lib 't/lib';
use File::Temp;
use JSON::PP;
use Mongo;
use Nginx;
use Primary;
use Test::More;

my $PASSWORD = 'p@ss:w/rd%';
my $ENCODED = 'p%40ss%3Aw%2Frd%25';

my $dir = File::Temp->newdir;
my $mongo = Mongo->new;
my $plain = $mongo->{port};
my $tls = Nginx::free_port();


sub certificate {
    my ($name) = @_;

    system('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
           '-subj', "/CN=$name", '-addext', 'subjectAltName=IP:127.0.0.1',
           '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt", '-batch', '-verbose') == 0
        or die 'no certificate';
}


# (status, log) of one write to a store with this URI
sub write_to {
    my ($uri, $seconds) = @_;

    my $nginx = Nginx->new(
        http => "realtime_store $uri; realtime_store_timeout " . ($seconds // 5) . 's;',
        config => 'location /t { realtime_transcripts; }',
        workers => 1,
    );

    my ($status) = $nginx->request($nginx->connected, 'POST /t', '{"text":"hello"}');
    $nginx->stop('QUIT');

    return ($status, $nginx->log);
}


{
    open my $quiet, '>&', \*STDERR;
    open STDERR, '>', '/dev/null';
    certificate('server');
    certificate('other');
    open STDERR, '>&', $quiet;
}

$mongo->start('--repl-set-name=rs0', '--test-enable-new-auth', '--setup-database=app', '--setup-username=voice',
              "--setup-password=$PASSWORD", "--listen-tls=127.0.0.1:$tls", "--listen-tls-cert-file=$dir/server.crt",
              "--listen-tls-key-file=$dir/server.key");

my $user = "mongodb://voice:$ENCODED\@127.0.0.1";
my $good = "tls=true&tlsCAFile=$dir/server.crt&authSource=app";


for my $case (
    ['a user of another database over TLS', "$user:$tls/voice?$good"],
    ['a replica set', "$user:$plain/voice?authSource=app&replicaSet=rs0"],
    ['SCRAM-SHA-1 by name', "$user:$plain/voice?authSource=app&authMechanism=SCRAM-SHA-1"],
    ['SCRAM-SHA-256 by name', "$user:$plain/voice?authSource=app&authMechanism=SCRAM-SHA-256"],
) {
    my ($name, $uri) = @$case;
    my ($status, $log) = write_to($uri);

    is($status, 200, $name);
    unlike($log, qr/\[(error|alert|crit|emerg)\]/, 'nothing in the log');
}


for my $case (
    ['another password', "mongodb://voice:secret-x\@127.0.0.1:$tls/voice?$good", qr/write refused: .*[Aa]uthenti/],
    ['the user of no such database', "$user:$plain/voice", qr/write refused: .*[Aa]uthenti/],
    ['nobody', "mongodb://127.0.0.1:$plain/voice", qr/write refused: .*authentication/],
    ['a certificate of somebody else', "$user:$tls/voice?tls=true&tlsCAFile=$dir/other.crt&authSource=app",
     qr/write unavailable: .*TLS/],
    ['no TLS where it is asked for', "$user:$tls/voice?authSource=app", qr/write unavailable: /],
    ['TLS where there is none', "$user:$plain/voice?$good", qr/write unavailable: /],
    ['another replica set', "$user:$plain/voice?authSource=app&replicaSet=rs1", qr/write unavailable: /],
) {
    my ($name, $uri, $why) = @$case;
    my ($status, $log) = write_to($uri, 3);

    is($status, 503, $name);
    like($log, $why, 'and the log says why');
    like($log, qr/realtime store: driver: Failed authentication/, 'as does the driver') if $name =~ /password/;
    unlike($log, qr/\Q$PASSWORD\E|\Q$ENCODED\E|secret-x/, 'without the password');
}


for my $case (
    ['', { w => 'majority', wtimeout => 1249 }],
    ['&w=1', { w => 1, wtimeout => 1249 }],
    ['&w=2&wtimeoutMS=300&journal=true', { w => 2, wtimeout => 300, j => JSON::PP::true }],
    ['&w=eu', { w => 'eu', wtimeout => 1249 }],
) {
    my ($args, $concern) = @$case;
    my $primary = Primary->new;
    my ($status) = write_to("$primary->{uri}$args");
    my $sent = $primary->state->{last};

    is($status, 200, "written with \"$args\"");
    is_deeply($sent->{writeConcern}, $concern, 'the write concern is sent');
    ok(defined $sent->{txnNumber}, 'the write may be sent again');
}


my $primary = Primary->new;
my ($status) = write_to("$primary->{uri}&retryWrites=false");
is($status, 200, 'without retryable writes');
ok(!defined $primary->state->{last}{txnNumber}, 'as the URI says');

done_testing();
