# A history read page by page while turns arrive before, within and behind the
# page: what was there is read once and in order, nothing twice.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Nginx;
use POSIX ();
use Store;
use Test::More;

my $json = JSON::PP->new->utf8;

my $nginx = Nginx->new(
    http => 'realtime_store ' . ($ENV{TEST_MONGODB_URI} ? store_uri() : 'sqlite:%%DIR%%/store.db') . ';',
    config => 'location /t { realtime_transcripts; }',
);
$nginx->{owner} = $$;


sub stamp { return sprintf '2026-01-01T%02d:%02d:%02dZ', $_[0] / 3600, $_[0] / 60 % 60, $_[0] % 60 }


sub post {
    my ($socket, @turns) = @_;

    my @items = map { { text => "turn $_", session_id => 's', item_id => "i$_", timestamp => stamp($_) } } @turns;
    my ($status) = $nginx->request($socket, 'POST /t', $json->encode(\@items));

    return ($status // 0) == 200;
}


# turns of odd seconds, anywhere, until the reader has done
sub writer {
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    my $socket = $nginx->connected;
    my $run = 1;
    local $SIG{TERM} = sub { $run = 0 };

    for (my $i = 0; $run; $i++) {
        post($socket, 2 * (($i * 7919) % 400) + 1) or POSIX::_exit(1);
    }

    POSIX::_exit(0);
}


# all texts, by the next of the JSON or by the header Link
sub walk {
    my ($how, $args) = @_;

    my $socket = $nginx->connected;
    my $query = "?session_id=s&limit=29&$args" . ($how eq 'Link' ? '&format=jsonl' : '');
    my @texts;

    while (defined $query) {
        my ($status, $body, $head) = $nginx->request($socket, "GET /t$query");

        die 'no page: ' . ($status // 'closed') if ($status // 0) != 200;

        if ($how eq 'Link') {
            push @texts, map { $json->decode($_)->{text} } split /\n/, $body;
            $query = $head =~ /^Link: <([^>]*)>; rel="next"\r$/m ? $1 : undef;

        } else {
            my $page = $json->decode($body);
            push @texts, map { $_->{text} } @{ $page->{transcripts} };
            $query = $page->{next} ? "?session_id=s&limit=29&$args&cursor=$page->{next}" : undef;
        }
    }

    return map { /(\d+)/ } @texts;
}


my $socket = $nginx->connected;
post($socket, map { 2 * $_ } 100 * $_ .. 100 * $_ + 99) or die 'not stored' for 0 .. 3;

my $writer = writer();
Nginx::wait_until(sub { ($nginx->request($socket, 'GET /t/sessions'))[1] =~ /"count":(\d+)/ && $1 > 400 }, 'it writes');

for my $how ('next', 'Link') {
    for my $order ('asc', 'desc') {
        my @turns = walk($how, "order=$order");
        my %seen;
        my @wanted = map { 2 * $_ } 0 .. 399;
        my $sorted = CORE::join(' ', sort { $a <=> $b } @turns);

        @turns = reverse @turns if $order eq 'desc';

        is_deeply([grep { $_ % 2 == 0 } @turns], \@wanted, "$how, $order: what was there, in order");
        is_deeply([grep { $seen{$_}++ } @turns], [], 'nothing twice');
        is(CORE::join(' ', @turns), $sorted, 'the new ones are where they belong');
        cmp_ok(scalar @turns, '>', 400, 'and some are read');
    }
}

# the list of sessions, of which many end at the same time
{
    sub named { return $_[0] ? 'g' . int($_[0] / 5) . 'x' x ($_[0] % 5) : undef }

    my @items = map { { text => "turn $_", session_id => named($_), timestamp => stamp($_ / 5) } } 0 .. 60;
    my ($status) = $nginx->request($socket, 'POST /t', $json->encode(\@items), sub => 'u-list');
    is($status, 200, 'sessions');

    my ($query, $before, @names) = ('?limit=7', undef);

    while (defined $query) {
        my (undef, $body) = $nginx->request($socket, "GET /t/sessions$query", undef, sub => 'u-list');
        my $page = $json->decode($body);

        push @names, map { $_->{session_id} // 'none' } @{ $page->{sessions} };
        $query = $page->{next} ? "?limit=7&cursor=$page->{next}" : undef;
        $before //= $page->{next};
    }

    my @wanted = map { my $i = $_; reverse sort map { named($_) // ' none' } 5 * $i .. 5 * $i + 4 } reverse 0 .. 11;
    s/^ // for @wanted;
    is_deeply(\@names, ['g12', @wanted], 'each session once, the newest first, of equal times the names backwards');

    is(($nginx->request($socket, "GET /t?cursor=$before", undef, sub => 'u-list'))[0], 422, 'no place among turns');

    my (undef, $body) = $nginx->request($socket, 'GET /t?limit=1', undef, sub => 'u-list');
    my $turn = $json->decode($body)->{next};
    is(($nginx->request($socket, "GET /t/sessions?cursor=$turn", undef, sub => 'u-list'))[0], 422, 'nor the reverse');
}

kill 'TERM', $writer;
waitpid $writer, 0;
is($?, 0, 'all turns were stored meanwhile');

$nginx->stop('QUIT');
unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');

done_testing();
