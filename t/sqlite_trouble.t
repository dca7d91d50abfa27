# A file that is full, read-only, damaged, replaced or of another version: clear
# errors, no crash, and what was answered with an id is there. In a mount
# namespace of its own.

use strict;
use warnings;

use lib 't/lib';
use File::Basename;
use File::Copy;
use File::Temp;
use JSON::PP;
use Nginx;
use Test::More;

if (!$ENV{TEST_OWN_MOUNTS}) {
    my @own = ('unshare', $> == 0 ? '-m' : '-rm');

    system("@own true 2> /dev/null") == 0 or plan(skip_all => 'no mount namespace to be had here');

    $ENV{TEST_OWN_MOUNTS} = 1;
    exec @own, $^X, $0;
}

my $json = JSON::PP->new->utf8;
my $n = 0;


# a file system of so many kilobytes, and an nginx with a store in it
sub nginx {
    my ($size, $prepare, %arg) = @_;

    my $dir = File::Temp->newdir;
    system('mount', '-t', 'tmpfs', '-o', "size=${size}k,mode=0777", 'none', $dir) == 0 or die 'no tmpfs';
    $prepare->("$dir/store.db") if $prepare;

    my $nginx = Nginx->new(
        http => "realtime_store sqlite:$dir/store.db; realtime_store_timeout 1s;",
        config => 'location /t { realtime_transcripts; }',
        %arg,
    );
    $nginx->{store} = $dir;

    return $nginx;
}


sub remount {
    my ($nginx, $options) = @_;

    system('mount', '-o', "remount,$options", $nginx->{store}) == 0 or die "not remounted: $options";
}


sub sqlite {
    my ($file, $sql) = @_;

    chomp(my $answer = `sqlite3 $file "$sql"`);

    return $answer;
}


sub post {
    my ($nginx) = @_;

    my $body = $json->encode({ text => 'turn ' . $n++ . ' ' . 'x' x 1000, session_id => 's' });
    my ($status, $answer) = $nginx->request($nginx->connected, 'POST /t', $body);

    return ($status, $answer, $answer =~ /^\{"id":"(\w+)"\}$/);
}


# all ids of the user
sub ids {
    my ($nginx) = @_;

    my ($cursor, @ids);

    do {
        my ($status, $body) = $nginx->request($nginx->connected,
                                              'GET /t?limit=200' . (defined $cursor ? "&cursor=$cursor" : ''));
        return if $status != 200;
        my $page = $json->decode($body);
        push @ids, map { $_->{id} } @{ $page->{transcripts} };
        $cursor = $page->{next};
    } while (defined $cursor);

    return sort @ids;
}


sub is_refused {
    my ($nginx, $why) = @_;

    my ($status, $body) = post($nginx);

    is($status, 503, 'refused');
    like($body, qr/"code":"store_unavailable"/, 'as unavailable');
    like($nginx->log, qr/realtime store: write $why/, 'and the log says why');
}


sub is_unharmed {
    my ($nginx) = @_;

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|exited on signal/, 'no crash');
    system('umount', '-l', $nginx->{store});
}


subtest 'a full disk' => sub {
    my $nginx = nginx(1500);
    my (@ids, $status, $id);

    for (1 .. 2000) {
        ($status, undef, $id) = post($nginx);
        last if $status != 200;
        push @ids, $id;
    }

    cmp_ok(scalar @ids, '>', 20, 'some are stored');
    is_refused($nginx, qr/unavailable: .*disk is full/);
    is_deeply([ids($nginx)], [sort @ids], 'those can be read, these and no others');

    remount($nginx, 'size=20m');
    ($status, undef, $id) = post($nginx);
    is($status, 200, 'with room again it goes on');
    is_deeply([ids($nginx)], [sort @ids, $id], 'and nothing is lost');
    is_unharmed($nginx);
};


subtest 'a read-only file system' => sub {
    my $nginx = nginx(5000);
    my @ids = map { (post($nginx))[2] } 1 .. 5;

    $nginx->stop('QUIT');
    remount($nginx, 'ro');
    $nginx->start;
    is_refused($nginx, qr/\w+: .*(readonly|read-only|unable to open)/i);

    remount($nginx, 'rw');
    push @ids, (post($nginx))[2];
    is_deeply([ids($nginx)], [sort @ids], 'afterwards all is there');
    is_unharmed($nginx);
};


# how often something is in the files of the store
sub traces {
    my ($nginx, $what) = @_;

    my $n = 0;
    for my $file (glob "$nginx->{store}/*") {
        open my $in, '<:raw', $file or die $!;
        local $/;
        $n += () = (<$in> // '') =~ /$what/g;
    }

    return $n;
}


subtest 'what is erased is in no file' => sub {
    my $nginx = nginx(5000);
    my $say = sub {
        my ($session) = @_;
        my $body = $json->encode([map { { text => "whisper $_", session_id => $session } } 1 .. 20]);
        is(($nginx->request($nginx->connected, 'POST /t', $body))[0], 200, 'said');
    };
    my $erase = sub { ($nginx->request($nginx->connected, "DELETE /t?session_id=$_[0]"))[1] };

    post($nginx) for 1 .. 5;
    $say->('s1');
    cmp_ok(traces($nginx, 'whisper'), '>=', 20, 'it is there');
    is((stat)[2] & 0777, 0600, 'for nobody else to read') for glob "$nginx->{store}/*";
    is($erase->('s1'), '{"deleted":20}', 'and erased');
    is(traces($nginx, 'whisper'), 0, 'from all files');

    # a reader keeps the log from being emptied, but nobody waiting

    $say->('s2');
    my $reader = Nginx::locked("$nginx->{store}/store.db", 'begin; select 1 from transcripts');
    $say->('s3');
    my $start = time;
    is($erase->('s2'), '{"deleted":20}', 'erased while somebody reads');
    cmp_ok(time - $start, '<=', 2, 'in time');
    close $reader;
    is($erase->('s3'), '{"deleted":20}', 'and once more');
    is(traces($nginx, 'whisper'), 0, 'is in no file then');
    is(scalar(my @left = ids($nginx)), 5, 'what was not to be erased is there');
    is_unharmed($nginx);
};


subtest 'a read-only file system with a log' => sub {
    my $nginx = nginx(5000);
    my @ids = map { (post($nginx))[2] } 1 .. 5;

    $nginx->stop('KILL');
    remount($nginx, 'ro');
    $nginx->start;
    is_deeply([ids($nginx)], [sort @ids], 'can be read') for 1 .. 5;
    is_refused($nginx, qr/refused: .*readonly/);

    remount($nginx, 'rw');
    for (1 .. 10) {
        my ($status, undef, $id) = post($nginx);
        is($status, 200, 'and written once it can be');
        push @ids, $id;
    }
    is_deeply([ids($nginx)], [sort @ids], 'afterwards all is there');
    is_unharmed($nginx);
};


subtest 'a file that cannot be made' => sub {
    my $nginx = nginx(5000, sub { remount({ store => dirname($_[0]) }, 'ro') });
    is_refused($nginx, qr/unavailable: "\S+store\.db": Read-only file system/);

    remount($nginx, 'rw');
    my $id = (post($nginx))[2];
    is_deeply([ids($nginx)], [$id], 'is made once it can be');
    is_unharmed($nginx);
};


subtest 'a damaged file' => sub {
    my $nginx = nginx(5000);
    my $file = "$nginx->{store}/store.db";
    my @ids = map { (post($nginx))[2] } 1 .. 50;

    sqlite($file, 'PRAGMA wal_checkpoint(TRUNCATE)');
    copy($file, "$file.backup");

    open my $out, '+<', $file or die $!;
    print $out "\xff" x ((-s $file) - 1);
    close $out;

    is_refused($nginx, qr/broken: /);
    is_deeply([ids($nginx)], [], 'nothing is read');
    like($nginx->log, qr/realtime store: read broken: /, 'and that is logged, too');

    unlink "$file-wal", "$file-shm";
    rename "$file.backup", $file;
    push @ids, (post($nginx))[2];
    is_deeply([ids($nginx)], [sort @ids], 'the backup in its place, nothing else is to be done');
    is_unharmed($nginx);
};


subtest 'a file that is replaced under its writers' => sub {
    my $nginx = nginx(5000);
    my $file = "$nginx->{store}/store.db";

    post($nginx) for 1 .. 20;
    unlink $file, "$file-wal", "$file-shm";

    my @ids = map { (post($nginx))[2] } 1 .. 20;
    is(sqlite($file, 'SELECT count(*) FROM transcripts'), 20, 'what is answered with an id is in the new one');
    is_deeply([ids($nginx)], [sort @ids], 'and read from there');
    is_unharmed($nginx);
};


subtest 'a newer schema' => sub {
    my $nginx = nginx(5000, sub { sqlite($_[0], 'CREATE TABLE transcripts (id); PRAGMA user_version=2') });
    my $file = "$nginx->{store}/store.db";

    is_refused($nginx, qr/broken: "\S+store.db": schema 2 is newer than this module's 1/);
    is_deeply([ids($nginx)], [], 'not read');
    is(sqlite($file, 'PRAGMA user_version'), 2, 'the file stays as it is');
    is(sqlite($file, 'SELECT count(*) FROM sqlite_master'), 1, 'with what is in it');
    is_unharmed($nginx);
};


subtest 'a row of somebody else' => sub {
    my $nginx = nginx(5000);
    post($nginx);
    sqlite("$nginx->{store}/store.db",
           q{INSERT INTO transcripts SELECT x'01', user_id, session_id, role, text, timestamp, created_at, seq + 1,
             call_id, item_id, previous_item_id, language, metadata, source FROM transcripts});

    my ($status, $body) = $nginx->request($nginx->connected, 'GET /t');
    is($status, 503, 'with an id that is none');
    like($nginx->log, qr/realtime store: read broken: a row of "\S+" cannot be read/, 'is not made one');
    is(($nginx->request($nginx->connected, 'DELETE /t?user_id=u-17'))[1], '{"deleted":2}', 'but can be erased');
    is_unharmed($nginx);
};


subtest 'a file so large that the timeout is short' => sub {
    my $fill = <<'SQL';
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 800000)
        INSERT INTO transcripts SELECT randomblob(12), 'u-17', 's' || i, 'user', 'x', i,
            strftime('%s') * 1000, i, NULL, NULL, NULL, NULL, NULL, 'client' FROM n
SQL
    my $nginx = Nginx->new(http => 'realtime_store sqlite:%%DIR%%/store.db;',
                           config => 'location /t { realtime_transcripts; }');
    post($nginx);
    $nginx->stop('QUIT');
    sqlite("$nginx->{dir}/store.db", $fill);

    my $conf = "$nginx->{dir}/nginx.conf";
    system('sed', '-i', 's/store.db;/store.db ttl=1h; realtime_store_timeout 100ms;/', $conf) == 0 or die 'no sed';
    $nginx->start;

    Nginx::wait_until(sub {
        sqlite("$nginx->{dir}/store.db", q{SELECT 1 FROM sqlite_master WHERE name = 'transcripts_created'});
    }, 'an index takes its time');

    is(($nginx->request($nginx->connected, 'GET /t?limit=200'))[0], 200, 'a page is read');
    my ($status, $body) = $nginx->request($nginx->connected, 'GET /t/sessions');
    is($status, 503, 'all of it is not');
    like($nginx->log, qr/read timeout: /, 'in time');
    $nginx->stop('QUIT');
};


subtest 'a lock that somebody keeps' => sub {
    my $nginx = nginx(5000);
    my ($id) = (post($nginx))[2];

    $nginx->stop('QUIT');
    my $holder = Nginx::locked("$nginx->{store}/store.db");
    $nginx->start;

    is_deeply([ids($nginx)], [$id], 'does not keep from reading');
    Nginx::wait_until(sub { $nginx->log =~ /preparation unavailable: .*database is locked/ }, 'the log tells');
    is_unharmed($nginx);
    close $holder;
};


subtest 'a file without a version' => sub {
    my $nginx = nginx(5000);
    my $file = "$nginx->{store}/store.db";
    my @ids = map { (post($nginx))[2] } 1 .. 5;

    $nginx->stop('QUIT');
    sqlite($file, 'DROP INDEX transcripts_session; PRAGMA user_version=0');
    $nginx->start;

    push @ids, (post($nginx))[2];
    is_deeply([ids($nginx)], [sort @ids], 'is taken on with what is in it');
    is(sqlite($file, 'PRAGMA user_version'), 1, 'has one now');
    is(sqlite($file, q{SELECT count(*) FROM sqlite_master WHERE name='transcripts_session'}), 1, 'and its indexes');
    is_unharmed($nginx);
};


subtest "somebody's trigger that refuses a transcript" => sub {
    my $nginx = nginx(8000);

    post($nginx);
    sqlite("$nginx->{store}/store.db", "CREATE TRIGGER taste BEFORE INSERT ON transcripts
           WHEN new.text LIKE 'told%' BEGIN SELECT RAISE(ABORT, 'not this'); END");

    my ($status, $body) = $nginx->request($nginx->connected, 'POST /t', '{"text":"told in confidence"}');
    is($status, 422, 'the client is told');
    like($body, qr/"code":"invalid_transcript"/, 'with its code');
    like($nginx->log, qr/write refused: the store does not take a transcript \(1811\)/, "and the log, by SQLite's");
    unlike($nginx->log, qr/confidence/, 'which quotes nobody');

    ($status) = post($nginx);
    is($status, 200, 'the next is taken');
    is_unharmed($nginx);
};

done_testing();
