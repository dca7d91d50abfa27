# A primary that steps down, loses its reply or falls silent: the client sees no
# error within realtime_store_timeout, and what it was told is stored once.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Nginx;
use Primary;
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8;
my $n = 0;


sub nginx {
    my ($primary, $more, %arg) = @_;

    my $nginx = Nginx->new(
        http => "realtime_store $primary->{uri} " . ($arg{store} // '') . ";\n" . ($more // ''),
        config => 'location /t { realtime_transcripts; }',
        workers => 1,
    );
    $nginx->{owner} = $$;

    # two indexes and the TTL index, made or dropped

    Nginx::wait_until(sub {
        my $commands = $primary->state->{commands};
        return ($commands->{createIndexes} // 0) + ($commands->{dropIndexes} // 0) >= 3;
    }, 'the preparation');

    return $nginx;
}


# posts turns nobody has posted; (status, ids, texts, seconds)
sub post {
    my ($nginx, $count) = @_;

    my @texts = map { 'turn ' . $n++ } 1 .. $count;
    my @items = map { { text => $_, session_id => 's', item_id => $_ } } @texts;
    my $start = time;
    my ($status, $body) = $nginx->request($nginx->connected, 'POST /t', $json->encode(\@items));

    return ($status, $status && $status == 200 ? $json->decode($body)->{ids} : undef, \@texts, time - $start);
}


sub is_stored_once {
    my ($primary, $ids, $texts) = @_;

    my %times;
    $times{"$_->{_id} $_->{text}"}++ for @{ $primary->state->{documents} };

    is_deeply([map { $times{"$ids->[$_] $texts->[$_]"} // 0 } 0 .. $#$ids], [(1) x @$ids], 'each is stored once');
}


subtest 'faults that a write outlives' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);
    my @faults = ('stepdown', 'stepdown-late', 'stepdown-wait', 'close', 'lost', 'silence');

    for my $fault (@faults) {
        $primary->say("insert $fault");

        my ($status, $ids, $texts, $seconds) = post($nginx, 3);

        is($status, 200, "$fault: no error to the client");
        cmp_ok($seconds, '<', 5, 'in time');
        is_stored_once($primary, $ids, $texts);
    }

    my $state = $primary->state;
    is_deeply([grep { defined } @{ $state->{met} }], \@faults, 'each fault was met');
    is($state->{inserts}, 12, 'and each write sent once more');
    is($state->{retries}, 4, 'as the same transaction');

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(error|alert|crit|emerg)\]/, 'no error in the log');

    # libmongoc 1 tells of the connections it lost, libmongoc 2 does not
    unlike($nginx->log, qr/\[warn\] (?!.*realtime store: driver: )/, 'nor any warning but from the driver');
};


subtest 'an election that takes its time' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);

    $primary->say('election 2000');

    for my $fault ('stepdown', 'stepdown-late', 'stepdown-wait') {
        $primary->say("insert $fault");

        my ($status, $ids, $texts, $seconds) = post($nginx, 3);

        is($status, 200, "$fault: no error to the client");
        cmp_ok($seconds, '>', 1.5, 'who waits for the new primary');
        cmp_ok($seconds, '<', 5, 'in time');
        is_stored_once($primary, $ids, $texts);
    }

    $primary->say('election 60000');
    $primary->say('insert stepdown');
    my ($status, undef, undef, $seconds) = post($nginx, 1);
    is($status, 503, 'one that takes too long is an error');
    cmp_ok($seconds, '<', 5, 'in time');
};


subtest 'a primary that answers nothing at all' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);
    my ($status) = post($nginx, 1);
    is($status, 200, 'one before');

    $primary->say('silence 1');
    ($status, my $ids, my $texts, my $seconds) = post($nginx, 2);
    is($status, 200, 'the other member took over');
    cmp_ok($seconds, '<', 5, 'in time');
    is_stored_once($primary, $ids, $texts);

    $primary->say('silence 0');
    ($status, $ids, $texts) = post($nginx, 2);
    is($status, 200, 'and one after');
    is_stored_once($primary, $ids, $texts);
};


subtest 'a primary that loses every reply: an error in time, and a resend adds nothing' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary, 'realtime_store_timeout 4s;');

    $primary->say('insert silence 2');
    my ($status, $ids, $texts, $seconds) = post($nginx, 3);

    is($status, 503, 'refused');
    cmp_ok($seconds, '<', 5, 'in time');
    like($nginx->log, qr/realtime store: write timeout: /, 'and the log says so');

    $n -= 3;
    ($status, $ids, $texts) = post($nginx, 3);
    is($status, 200, 'the resend is taken');
    is_stored_once($primary, $ids, $texts);
    is(scalar @{ $primary->state->{documents} }, 3, 'and nothing is there twice');
};


subtest 'too few members: an error until there are enough' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);

    $primary->say('insert minority 2');

    for (1 .. 2) {
        my ($status, undef, undef, $seconds) = post($nginx, 3);
        is($status, 503, 'written by a minority is not acknowledged, nor is its resend');
        cmp_ok($seconds, '<', 2.5, 'the server waits for the others, but not for long');
        $n -= 3;
    }
    like($nginx->log, qr/realtime store: write timeout: not enough servers have acknowledged: /, 'the log says why');
    unlike($nginx->log, qr/driver: /, 'and no connection was given up');

    my ($status, $ids, $texts) = post($nginx, 3);
    is($status, 200, 'a resend is, once the majority has it');
    is_stored_once($primary, $ids, $texts);
    is(scalar @{ $primary->state->{documents} }, 3, 'and nothing is there twice');
};


subtest 'rights for documents only' => sub {
    my $primary = Primary->new;
    $primary->say('refuse createIndexes 13 Unauthorized');

    my $nginx = nginx($primary);
    my ($status, $ids, $texts) = post($nginx, 2);

    is($status, 200, 'stored all the same');
    is_stored_once($primary, $ids, $texts);

    Nginx::wait_until(sub { $nginx->log =~ /preparation/ }, 'the log line');
    like($nginx->log, qr/\[warn\].*realtime store: preparation: index "realtime_\w+": .*createIndexes is refused/,
         'a line tells what is missing');

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]/, 'no more than that');
};


subtest 'no TTL index: the worker erases itself' => sub {
    my $primary = Primary->new;
    $primary->say('refuse createIndexes 67 CannotCreateIndex');

    my $nginx = nginx($primary, '', store => 'ttl=1h');

    Nginx::wait_until(sub { $nginx->log =~ /preparation/ }, 'the log line');
    like($nginx->log, qr/index "realtime_user": createIndexes is refused .*; no TTL index, so this module erases /,
         'a line says what is missing and who does it');
};


subtest 'a TTL index of an earlier configuration' => sub {
    for my $none ('26 NamespaceNotFound', '27 IndexNotFound') {
        my $primary = Primary->new;
        $primary->say("refuse dropIndexes $none");

        my $nginx = nginx($primary);
        is((post($nginx, 1))[0], 200, 'stored');
        $nginx->stop('QUIT');
        unlike($nginx->log, qr/TTL index|\[warn\]/, "$none: nothing to say");
    }

    my $primary = Primary->new;
    $primary->say('refuse dropIndexes 13 Unauthorized');

    my $nginx = nginx($primary);
    my $why = qr/a TTL index of an earlier configuration, if any, goes on erasing: dropIndexes is refused/;
    Nginx::wait_until(sub { $nginx->log =~ /\[warn\].*realtime store: preparation: $why/ },
                      'a line says that it erases');
    $nginx->stop('QUIT');

    $primary->say('refuse dropIndexes 11600 InterruptedAtShutdown');
    $nginx->start;
    Nginx::wait_until(sub { ($primary->state->{commands}{dropIndexes} // 0) >= 3 }, 'it is tried again');
    like($nginx->log, qr/preparation unavailable: a TTL index/, 'and said why');
    $primary->say('refuse dropIndexes 27 IndexNotFound');
    Nginx::wait_until(sub { $nginx->log =~ /preparation ok/ }, 'until there is an answer');
    pass('until there is an answer');
};


subtest 'an answer that leaves documents out' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary, "realtime_store_timeout 1s;\n");

    for my $answer (['short', 3, 'of three one is written'], ['short', 3, 'one is there already', 1],
                    ['twice', 2, 'of the one there already it speaks twice', 1])
    {
        my ($fault, $count, $what, $before) = @$answer;

        if ($before) {
            post($nginx, 1);
            $n--;
        }
        $primary->say("insert $fault");

        my ($status, $ids, $texts) = post($nginx, $count);
        is($status, 200, "$what: it is asked for again");
        is_stored_once($primary, $ids, $texts);
    }
    unlike($nginx->log, qr/\[error\]/, 'nothing is said of what came to a good end');

    $primary->say('insert short 1000');
    my ($status) = post($nginx, 3);
    is($status, 503, 'again and again: no 200');
    like($nginx->log, qr/write unavailable: the server has answered for 1 of 3 documents/, 'the log says why');
};


subtest 'a server that does not name the index of a duplicate' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);

    my ($status, $ids, $texts) = post($nginx, 90);
    is($status, 200, 'many are written');

    $n -= 60;
    $primary->say('insert unnamed');
    ($status, $ids, $texts) = post($nginx, 90);
    is($status, 200, 'some of them come again');
    is_stored_once($primary, $ids, $texts);

    my $state = $primary->state;
    is(scalar @{ $state->{documents} }, 120, 'nothing is there twice');
    is($state->{commands}{find}, 1, 'they are asked for at once');
};


subtest 'the same, where reads go to a server that lags' => sub {
    my $primary = Primary->new;
    $primary->{uri} .= '&readPreference=secondary';
    my $nginx = nginx($primary);

    post($nginx, 2);
    $n -= 2;
    $primary->say('insert unnamed');
    my ($status, $ids, $texts) = post($nginx, 2);
    is($status, 200, 'a resend is known');
    is_stored_once($primary, $ids, $texts);
};


subtest 'a duplicate of what is erased meanwhile' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);

    $primary->say('insert code-11000');
    my ($status, $ids, $texts) = post($nginx, 3);
    is($status, 200, 'a resend is written anew');
    is_stored_once($primary, $ids, $texts);
    unlike($nginx->log, qr/refused/, 'and nothing was refused');
};


subtest 'a server that takes nothing for a while' => sub {
    for my $code (24, 355, 365, 371, 402, 433, 462, 11601) {
        my $primary = Primary->new;
        my $nginx = nginx($primary, 'realtime_store_timeout 1s; realtime_store_spool %%DIR%%/spool.db;');

        $primary->say("insert code-$code 1000");
        my ($status) = $nginx->request($nginx->connected, 'POST /t', '{"text":"told in confidence"}');
        is($status, 202, "$code: it waits");

        Nginx::wait_until(sub { $nginx->log =~ /cannot be drained.*\($code\)/ }, 'the drainer came');
        unlike($nginx->log, qr/refuses/, 'and is no dead letter');
        unlike($nginx->log, qr/confidence/, 'nor quoted');
    }
};


subtest 'a server that has too much to do, and says so in a label only' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);

    $primary->say('insert overload 3');
    my ($status, $ids, $texts, $seconds) = post($nginx, 3);
    is($status, 200, 'it is asked again');
    cmp_ok($seconds, '<', 5, 'in time');
    is_stored_once($primary, $ids, $texts);

    $primary->say('insert overload 1000');
    ($status, undef, undef, $seconds) = post($nginx, 3);
    is($status, 503, 'but not for ever');
    cmp_ok($seconds, '<', 5, 'in time');
    like($nginx->log, qr/write unavailable: too many requests/, 'the log says why');
};


subtest 'a document is refused' => sub {
    my $primary = Primary->new;
    my $nginx = nginx($primary);

    $primary->say('insert code-16755');
    my ($status, $body) = $nginx->request($nginx->connected, 'POST /t', '{"text":"told in confidence"}');
    is($status, 422, 'the client is told');
    unlike($body, qr/16755/, 'not in the words of the server');
    like($nginx->log, qr/write refused: the store does not take a transcript \(16755\)/, 'so is the log');
    unlike($nginx->log, qr/confidence/, 'which does not quote it');

    # one that is not there by its _id, and is refused again: another unique index has it

    $primary->say('insert code-11000 2');
    ($status) = $nginx->request($nginx->connected, 'POST /t', '{"text":"told in confidence"}');
    is($status, 422, 'no duplicate of its own');
    like($nginx->log, qr/does not take a transcript \(11000\)/, 'the log has the code');
};


subtest 'writing is refused' => sub {
    my $primary = Primary->new;
    $primary->say('refuse insert 13 Unauthorized');

    my $nginx = nginx($primary);
    my ($status, $body) = $nginx->request($nginx->connected, 'POST /t', '{"text":"a word"}');

    is($status, 503, 'no 200');
    like($body, qr/"code":"store_unavailable"/, 'with its code');
    like($nginx->log, qr/realtime store: write refused: insert is refused/, 'and the log knows why');
    unlike($nginx->log, qr/a word/, 'but not what was said');
};

done_testing();
