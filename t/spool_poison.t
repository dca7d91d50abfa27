# What waits in the spool and the store does not take by whole batches: refused,
# so that it is to be found out which document it is, or whether it is any of
# them; or too many at once for its time.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Nginx;
use Primary;
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8;


# an nginx, and a primary that takes nothing yet
sub away {
    my $primary = Primary->new;
    my $nginx = Nginx->new(
        http => "realtime_store $primary->{uri};\nrealtime_store_spool %%DIR%%/spool.db;\nrealtime_store_timeout 2s;\n",
        config => 'location /t { realtime_transcripts; }
                   location /status { realtime_status; realtime_auth off; }',
        workers => 1,
    );
    $nginx->{owner} = $$;
    $primary->say('refuse insert 91 ShutdownInProgress');

    return ($nginx, $primary);
}


sub post {
    my ($nginx, $session, @texts) = @_;

    while (my @some = splice @texts, 0, 100) {
        my @items = map { { text => $_, session_id => $session, item_id => $_ } } @some;
        my ($status) = $nginx->request($nginx->connected, 'POST /t', $json->encode(\@items));
        is($status, 202, scalar(@some) . ' wait');
    }
}


# waiting and dead
sub depth {
    my ($nginx) = @_;

    my (undef, $body) = $nginx->request($nginx->connected, 'GET /status');
    my $all = $json->decode($body);

    return "$all->{spool_transcripts} $all->{dead_letters}";
}


sub texts {
    my ($primary) = @_;

    return CORE::join ' ', map { $_->{text} } @{ $primary->state->{documents} };
}


sub quiet {
    my ($nginx) = @_;

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|exited on signal/, 'a quiet log');
}


subtest 'more poisoned documents than one looks at' => sub {
    my ($nginx, $primary) = away();

    post($nginx, 's', 'first', map { "bad$_" } 1 .. 1499);
    post($nginx, 's', 'last');
    $primary->say('poison bad');
    $primary->say('allow insert');

    Nginx::wait_until(sub { texts($primary) =~ /last/ }, 'what is behind them moves', 30);
    pass('what is behind them moves');
    Nginx::wait_until(sub { depth($nginx) =~ /^0 / }, 'the spool is empty', 60);
    is(depth($nginx), '0 1499', 'each of them is a dead letter');
    is(texts($primary), 'first last', 'and nothing else is');

    my ($status) = $nginx->request($nginx->connected, 'POST /t', '{"text":"next"}');
    is($status, 200, 'and the next write needs no spool');
    quiet($nginx);
};


subtest 'nothing but poisoned documents behind a good one, and one good one among them' => sub {
    my ($nginx, $primary) = away();

    post($nginx, 's', (map { "bad$_" } 1 .. 300), 'good', map { "bad$_" } 301 .. 400);
    $primary->say('poison bad');
    $primary->say('allow insert');

    Nginx::wait_until(sub { depth($nginx) =~ /^0 / }, 'the spool is empty', 60);
    is(depth($nginx), '0 400', 'each of them is a dead letter');
    is(texts($primary), 'good', 'and the other is in the store');
    quiet($nginx);
};


subtest 'an erasure does not wait until all are looked at' => sub {
    my ($nginx, $primary) = away();

    post($nginx, 's', map { "bad$_" } 1 .. 200);
    post($nginx, 't', 'good');
    $primary->say('poison bad');
    $primary->say('slow 20');
    my $before = $primary->state->{inserts};
    $primary->say('allow insert');

    for my $n (1 .. 3) {
        Nginx::wait_until(sub { $primary->state->{inserts} >= $before + 20 * $n }, 'it is being drained', 20);

        my $start = time;
        my ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?session_id=none');
        is("$status $body", '200 {"deleted":0}', 'an erasure is made');
        cmp_ok(time - $start, '<', 1, 'in time');
    }

    $primary->say('slow 0');
    Nginx::wait_until(sub { depth($nginx) =~ /^0 / }, 'the spool is empty', 60);
    is(depth($nginx), '0 200', 'and it is gone on with');
    quiet($nginx);
};


subtest 'no right to write' => sub {
    my ($nginx, $primary) = away();
    my @texts = map { "good$_" } 1 .. 300;

    post($nginx, 's', @texts);
    $primary->say('refuse insert 13 Unauthorized');

    for my $again (1, 2) {
        my $lines = () = $nginx->log =~ /cannot be drained.*insert is refused \(17\.13\)/g;
        my $before = $primary->state->{commands}{insert};
        Nginx::wait_until(sub { (() = $nginx->log =~ /cannot be drained.*\(17\.13\)/g) > $lines }, 'it is tried', 20);
        cmp_ok($primary->state->{commands}{insert} - $before, '<', 80, 'with some calls');
    }

    is(depth($nginx), '300 0', 'and none of them dies');

    $primary->say('allow insert');
    Nginx::wait_until(sub { depth($nginx) eq '0 0' }, 'the spool is empty', 60);
    is(scalar(split / /, texts($primary)), 300, 'all of them are in the store');
    quiet($nginx);
};


subtest 'a right that is lost in the middle of a batch' => sub {
    my ($nginx, $primary) = away();

    post($nginx, 's', 'a', 'b', 'c', 'd');

    # all four, two of them, the other two, each of these, and one that was taken
    $primary->say("insert $_") for 'unauthorized', 'ok', ('unauthorized') x 4;
    $primary->say('allow insert');

    Nginx::wait_until(sub { $nginx->log =~ /cannot be drained.*\(17\.13\)/ }, 'it was tried', 20);
    is(depth($nginx), '2 0', 'two are stored, none dies');

    Nginx::wait_until(sub { depth($nginx) eq '0 0' }, 'the spool is empty', 60);
    is(CORE::join(' ', sort split / /, texts($primary)), 'a b c d', 'all of them are in the store');
    quiet($nginx);
};


subtest 'a store too slow for a whole batch' => sub {
    my ($nginx, $primary) = away();

    post($nginx, 's', map { "slow$_" } 1 .. 300);
    $primary->say('crawl 5');
    $primary->say('allow insert');

    Nginx::wait_until(sub { depth($nginx) eq '0 0' }, 'the spool is empty', 40);
    is(scalar(split / /, texts($primary)), 300, 'it is sent by smaller ones');

    my $timeouts = () = $nginx->log =~ /cannot be drained.*(?:timeout|Failed to read)/g;
    cmp_ok($timeouts, '<', 5, 'whose size is soon found');
    quiet($nginx);
};

done_testing();
