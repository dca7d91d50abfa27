# The store is away: what was answered 202 waits in the spool, and is in the
# store once as soon as that is back.

use strict;
use warnings;

use lib 't/lib';
use File::Temp;
use JSON::PP;
use Mongo;
use Nginx;
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8;


# nginx(MONGO[, workers => N, spool => FILE, store => PARAMETERS, more => DIRECTIVES])
sub nginx {
    my ($mongo, %arg) = @_;

    my $spool = $arg{spool} // '%%DIR%%/spool.db';
    my $more = $arg{more} // '';
    my $self = Nginx->new(
        http => "log_format store '\$realtime_store_status';\n"
                . 'realtime_store ' . $mongo->uri . ' ' . ($arg{store} // '') . ";\nrealtime_store_spool $spool;\n"
                . "realtime_store_timeout 2s;\nrealtime_admin_roles Admin;\n$more",
        config => 'location /t { realtime_transcripts; access_log %%DIR%%/store.log store; }
                   location /status { realtime_status; realtime_auth off; }',
        workers => $arg{workers} // 2,
    );
    $self->{owner} = $$;

    return $self;
}


sub post {
    my ($nginx, $item, %claims) = @_;

    return $nginx->request($nginx->connected, 'POST /t', ref $item ? $json->encode($item) : $item, %claims);
}


sub texts {
    my ($nginx, %claims) = @_;

    my ($status, $body) = $nginx->request($nginx->connected, 'GET /t?limit=200', undef, %claims);
    return "status $status" if $status != 200;

    return CORE::join ' ', map { $_->{text} } @{ $json->decode($body)->{transcripts} };
}


sub gauges {
    my ($nginx) = @_;

    my ($status, $body) = $nginx->request($nginx->connected, 'GET /status');
    my $all = $json->decode($body);

    return CORE::join ' ', map { $all->{$_} } qw(transcripts_queued_total spool_transcripts dead_letters);
}


sub drained {
    my ($nginx) = @_;

    Nginx::wait_until(sub { gauges($nginx) =~ / 0 \d+$/ }, 'the spool is empty', 40);
}


sub script {
    my (@words) = @_;

    open my $in, '-|', 'scripts/spool', @words or die "scripts/spool: $!";
    local $/;
    my $out = <$in> // '';
    close $in;

    return $out;
}


sub quiet {
    my ($nginx) = @_;

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
}


subtest 'a store that comes late' => sub {
    my $mongo = Mongo->new;
    my $nginx = nginx($mongo);

    my ($status, $body) = post($nginx, { text => 'one', session_id => 's', item_id => 'i1' });
    is($status, 202, 'accepted');
    like($body, qr/^\{"id":"[0-9a-f]{24}","queued":true\}$/, 'as queued');
    my ($id) = $body =~ /"id":"(\w+)"/;

    my $start = time;
    ($status, $body) = post($nginx, '[{"text":"two"},{"text":"three"}]');
    is($status, 202, 'an array');
    like($body, qr/^\{"ids":\["[0-9a-f]{24}","[0-9a-f]{24}"\],"queued":true\}$/, 'with its ids');
    cmp_ok(time - $start, '<', 0.3, 'now known to be away, the store is not waited for');

    is(gauges($nginx), '3 3 0', 'the status tells');

    ($status, $body) = post($nginx, { text => 'one', session_id => 's', item_id => 'i1' });
    is("$status $body", qq(202 {"id":"$id","queued":true}), 'a resend is the same');
    is(gauges($nginx), '4 3 0', 'and is there once');

    ($status, $body) = post($nginx, '{"text":""}');
    is($status, 422, 'what is wrong is refused all the same');

    ($status, $body) = $nginx->request($nginx->connected, 'GET /t');
    is($status, 503, 'nothing can be read');

    my $said = "queued\n" x 3 . "-\n" . "unavailable\n";
    Nginx::wait_until(sub { $said eq do { local (@ARGV, $/) = "$nginx->{dir}/store.log"; <> } }, 'the log has it');
    pass('the variable says so');

    $mongo->start;
    drained($nginx);

    is(texts($nginx), 'one two three', 'all are in the store, once, in their order');
    is(gauges($nginx), '4 0 0', 'and none in the spool');

    ($status, $body) = post($nginx, { text => 'one', session_id => 's', item_id => 'i1' });
    is("$status $body", qq(200 {"id":"$id"}), 'a resend is known by the store');
    is(texts($nginx), 'one two three', 'and adds nothing');

    quiet($nginx);
};


subtest 'many who read while the store is away' => sub {
    my $nginx = nginx(Mongo->new, workers => 1, more => 'realtime_store_queue 8;');

    my ($status) = post($nginx, { text => 'one' });
    is($status, 202, 'the store is known to be away');

    my @readers = map { $nginx->connected } 1 .. 100;
    Nginx::send_request($_, 'GET /t') for @readers;
    my $start = time;

    ($status) = post($nginx, { text => 'two' });
    is($status, 202, 'a write behind them');
    cmp_ok(time - $start, '<', 2, 'does not wait for them');

    is_deeply(Nginx::answers(@readers), { '503 store_unavailable' => 100 },
              'all of them are answered, none for the queue of writes');
    cmp_ok(time - $start, '<', 6, 'in time');

    quiet($nginx);
};


subtest 'what waits outlives nginx' => sub {
    my $mongo = Mongo->new;
    my $nginx = nginx($mongo);

    my ($status) = post($nginx, { text => 'kept' });
    is($status, 202, 'accepted');

    $nginx->kill_all;
    $nginx->start;

    Nginx::wait_until(sub { gauges($nginx) eq '0 1 0' }, 'the status knows what waits');
    pass('the status knows what waits');

    $mongo->start;
    drained($nginx);
    is(texts($nginx), 'kept', 'it is in the store');

    # away again, and nginx leaves
    $mongo->stop;
    ($status) = post($nginx, { text => 'again' });
    is($status, 202, 'accepted again');
    $nginx->stop('QUIT');
    $nginx->start;
    $mongo->start;
    Nginx::wait_until(sub { texts($nginx) eq 'kept again' }, 'both are in the store', 20);
    pass('both are in the store');

    quiet($nginx);
};


subtest 'a worker that leaves goes on with what waits' => sub {
    my $mongo = Mongo->new;
    my $nginx = nginx($mongo, workers => 1);

    for my $n (1 .. 20) {
        my ($status) = post($nginx, [map { { text => "$n.$_" } } 1 .. 100]);
        die "status $status\n" if $status != 202;
    }

    $mongo->start;
    Nginx::wait_until(sub { gauges($nginx) =~ /^2000 (\d+) / && $1 < 2000 }, 'it is drained', 40);
    $nginx->stop('QUIT');

    like(script('list', "$nginx->{dir}/spool.db"), qr/^0 waiting, 0 dead letters$/m, 'nothing is left');
    is($mongo->python('print(c.count_documents({}))'), "2000\n", 'the store has it');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
};


subtest 'what expires while the store is away' => sub {
    my $nginx = nginx(Mongo->new, store => 'ttl=1h');
    my $file = "$nginx->{dir}/spool.db";

    post($nginx, { text => 'young' });
    system('sqlite3', $file, <<'END');
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000)
INSERT INTO spool SELECT CAST(printf("%012d", i) AS BLOB), user_id, session_id, role, text, timestamp,
    created_at - 7200000, seq, call_id, item_id, previous_item_id, language, metadata, source FROM spool, c
END
    like(script('list', $file), qr/^20001 waiting/, 'many are old');

    Nginx::wait_until(sub { script('list', $file) =~ /^1 waiting/ }, 'they are gone', 25);
    pass('they are gone, and the young one stays');

    quiet($nginx);
};


subtest 'a spool that cannot be written' => sub {
    my $mongo = Mongo->new;
    Nginx::put("$mongo->{dir}/bad.db", "no database\n" x 800);
    my $nginx = nginx($mongo, spool => "$mongo->{dir}/bad.db");

    for my $n (1, 2) {
        my ($status, $body) = post($nginx, { text => 'lost' });
        is($status, 503, "$n: refused");
        like($body, qr/"code":"store_unavailable"/, 'as unavailable');
    }
    like($nginx->log, qr/realtime spool: write broken: .*bad\.db/, 'the log says why');

    $mongo->start;
    Nginx::wait_until(sub { (post($nginx, { text => 'direct', item_id => 'i' }))[0] == 200 }, 'the store is back');
    is(texts($nginx), 'direct', 'no spool is needed then, and what was refused is not there');

    quiet($nginx);
};


subtest 'a spool that fails while the store is away' => sub {
    my $mongo = Mongo->new;
    my $nginx = nginx($mongo, workers => 1);

    my ($status) = post($nginx, { text => 'one' });
    is($status, 202, 'accepted');

    # somebody else holds the file for longer than a write may wait
    my $lock = Nginx::locked("$nginx->{dir}/spool.db");

    ($status) = post($nginx, { text => 'two' });
    is($status, 503, 'refused');

    $mongo->start;
    Nginx::wait_until(sub { (post($nginx, { text => 'three', item_id => 'i3' }))[0] == 200 }, 'direct writes');
    like(texts($nginx), qr/three/, 'the store is asked where the spool is not to be had');

    close $lock;
    drained($nginx);
    is(texts($nginx), 'one three', 'what waited is there, too');

    quiet($nginx);
};


subtest 'an erasure' => sub {
    my $mongo = Mongo->new;
    $mongo->start;
    my $nginx = nginx($mongo, workers => 1);

    post($nginx, { text => 'stored', session_id => 'a', item_id => 'i0' });
    post($nginx, { text => 'other', session_id => 'b', item_id => 'i0' });
    is(texts($nginx), 'stored other', 'two are in the store');
    $mongo->stop;

    my %id;
    for my $item (['w1', 'a'], ['w2', 'a'], ['w3', 'b'], ['w4', 'b'], ['w5', 'c']) {
        my ($status, $body) = post($nginx, { text => $item->[0], session_id => $item->[1], item_id => $item->[0] });
        is($status, 202, "$item->[0] waits");
        ($id{$item->[0]}) = $body =~ /"id":"(\w+)"/;
    }
    post($nginx, { text => 'anns', session_id => 'a' }, sub => 'ann');

    my ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?session_id=a');
    is($status, 503, 'while the store is away there is none');
    is(gauges($nginx), '6 6 0', 'and nothing is half done');

    # before the next attempt to drain
    Nginx::wait_until(sub { $nginx->log =~ /tried again in 4 s/ }, 'a long pause', 20);
    $mongo->start;

    ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?session_id=a');
    is("$status $body", '200 {"deleted":3}', 'a session: in the store and in the spool');
    ($status, $body) = $nginx->request($nginx->connected, "DELETE /t/$id{w3}");
    is("$status $body", '200 {"deleted":1}', 'one that waits');
    ($status, $body) = $nginx->request($nginx->connected, "DELETE /t/$id{w3}");
    is($status, 404, 'once');
    ($status, $body) = $nginx->request($nginx->connected, "DELETE /t/$id{w4}", undef, sub => 'ann');
    is($status, 404, "not somebody else's");
    ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?user_id=u-17', undef, sub => 'ann');
    is($status, 403, "not somebody else");
    is(gauges($nginx), '6 3 0', 'the others wait');
    ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?user_id=ann', undef,
                                       sub => 'root', roles => ['Admin']);
    is("$status $body", '200 {"deleted":1}', 'a user, by an admin');

    drained($nginx);
    is(texts($nginx), 'other w4 w5', 'the others were drained');
    is(texts($nginx, sub => 'ann'), '', 'nothing of the user is left');
    ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?user_id=u-17');
    is("$status $body", '200 {"deleted":3}', 'all of oneself');

    quiet($nginx);
};


subtest 'poisoned documents' => sub {
    my $mongo = Mongo->new;
    $mongo->start;
    my $nginx = nginx($mongo);
    my $file = "$nginx->{dir}/spool.db";

    post($nginx, { text => 'first' });

    # FerretDB takes no array of arrays; a mongod is told to take none
    $mongo->python('try: c.database.command("collMod", "transcripts", validator={"metadata.a": {"$exists": False}})
except pymongo.errors.OperationFailure: pass');
    $mongo->stop;

    for my $n (1 .. 5) {
        my $metadata = $n == 2 || $n == 4 ? { a => [[$n]] } : {};
        my ($status) = post($nginx, { text => "t$n", metadata => $metadata, session_id => "s$n" });
        is($status, 202, "t$n waits");
    }
    like(script('list', $file), qr/^5 waiting, 0 dead letters\nthe oldest waits since 20\S+Z\n$/, 'a look');

    $mongo->start;
    drained($nginx);

    is(texts($nginx), 'first t1 t3 t5', 'they do not stop the others');
    is(gauges($nginx), '5 0 2', 'the status counts them');
    like($nginx->log, qr/the store refuses 2 transcripts/, 'the log says so');

    my $list = script('list', $file);
    like($list, qr/^0 waiting, 2 dead letters\n/, 'the script counts them');
    is(scalar(() = $list =~ /^[0-9a-f]{24} user="u-17" session="s[24]" refused=20\S+Z reason=.+ \(\d+\)$/mg), 2,
       'and says why');

    my @lines = map { $json->decode($_) } split /\n/, script('export', $file);
    is(CORE::join(' ', map { "$_->{text} $_->{metadata}{a}[0][0]" } @lines), 't2 2 t4 4', 'an export has them whole');
    like($lines[0]{dead_letter}{reason}, qr/ \(\d+\)$/, 'with the reason');

    my ($status, $body) = $nginx->request($nginx->connected, 'DELETE /t?session_id=s2');
    is("$status $body", '200 {"deleted":1}', 'an erasure reaches a dead letter');
    is(gauges($nginx), '5 0 1', 'which is gone');

    # as long as the cause is there, it dies again
    like(script('retry', $file), qr/^1 wait again\n$/, 'a retry');
    Nginx::wait_until(sub { gauges($nginx) eq '5 0 1' && $nginx->log =~ /refuses 1 transcripts/ }, 'it died again');
    is(texts($nginx), 'first t1 t3 t5', 'in vain');

    system('sqlite3', $file, "UPDATE spool SET metadata = '{}'");
    my ($id) = script('list', $file) =~ /^([0-9a-f]{24}) /m;
    is(system('scripts/spool retry ' . $file . ' ' . '0' x 24 . ' 2> /dev/null') >> 8, 1, 'an id that is not there');
    like(script('retry', $file, $id), qr/^1 wait again\n$/, 'a retry by its id');
    Nginx::wait_until(sub { gauges($nginx) eq '5 0 0' }, 'the spool is empty');
    is(texts($nginx), 'first t1 t3 t4 t5', 'it is in its place');

    quiet($nginx);
};


subtest 'the script does not stand in the way' => sub {
    my $mongo = Mongo->new;
    my $nginx = nginx($mongo, workers => 1);
    my $file = "$nginx->{dir}/spool.db";

    post($nginx, { text => 'x' x 200 });
    system('sqlite3', $file, <<'END');
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 4999)
INSERT INTO spool SELECT CAST(printf("%012d", i) AS BLOB), user_id, session_id, role, text, timestamp,
    created_at, seq, call_id, item_id, previous_item_id, language, metadata, source FROM spool, c;
INSERT INTO dead_letters SELECT id, 'no', 0 FROM spool WHERE rowid <= 4000
END

    # nobody reads on
    open my $in, '-|', 'scripts/spool', 'export', $file or die "scripts/spool: $!";
    my $lines = defined readline($in);
    post($nginx, { text => 'y' });
    like(`sqlite3 $file 'PRAGMA wal_checkpoint(TRUNCATE)'`, qr/^0\b/, 'an export holds no snapshot of the file');
    $lines++ while defined readline($in);
    close $in;
    is($lines, 5001, 'and has all of it');

    is(scalar(() = script('list', $file) =~ / reason=no$/mg), 4000, 'a list is whole');
    is(script('retry', $file), "4000 wait again\n", 'and so is a retry');
    like(script('list', $file), qr/^5001 waiting, 0 dead letters$/m, 'of all');
    is(script('retry', $file), "0 wait again\n", 'once');

    quiet($nginx);
};


subtest 'the script says what is wrong' => sub {
    my $dir = File::Temp->newdir;

    Nginx::put("$dir/none", "no database\n" x 800);
    system('sqlite3', "$dir/other.db", 'CREATE TABLE x (y)');

    my %wrong = (
        'list' => qr/usage/,
        "list $dir/absent.db" => qr/there is no file/,
        "list $dir" => qr/there is no file/,
        "list $dir/none" => qr/file is not a database/,
        "list $dir/other.db" => qr/no such table/,
        "retry $dir/other.db 12" => qr/an id is 24 hex digits/,
        "erase $dir/other.db" => qr/invalid choice/,
    );

    for my $line (sort keys %wrong) {
        my $out = `scripts/spool $line 2>&1`;
        isnt($?, 0, "$line fails");
        like($out, $wrong{$line}, 'and says why');
        unlike($out, qr/Traceback/, 'in words');
    }
};

done_testing();
