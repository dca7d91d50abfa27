# Workers come and go, clients leave, the store is slow: what was answered with
# an id is in the store, once.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Nginx;
use POSIX ();
use Store;
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->utf8;


sub nginx {
    my ($more, $store, %arg) = @_;

    my $self = Nginx->new(
        http => "realtime_store " . ($store || ($ENV{TEST_MONGODB_URI} ? store_uri() : 'sqlite:%%DIR%%/store.db'))
                . ";\n" . ($more // ''),
        config => 'location /t { realtime_transcripts; }',
        %arg,
    );
    $self->{owner} = $$;

    return $self;
}


# all that the user has, text => id; dies where a text is there twice
sub stored {
    my ($nginx, $user) = @_;

    my $socket = $nginx->connected;
    my (%found, $cursor);

    do {
        my $line = 'GET /t?limit=200' . (defined $cursor ? "&cursor=$cursor" : '');
        my ($status, $body) = $nginx->request($socket, $line, undef, sub => $user);

        die "cannot read back: $status $body" if $status != 200;
        my $page = $json->decode($body);

        for my $item (@{ $page->{transcripts} }) {
            die "$item->{text} is there twice" if $found{$item->{text}};
            $found{$item->{text}} = $item->{id};
        }
        $cursor = $page->{next};
    } while (defined $cursor);

    return \%found;
}


# a client that posts on one connection until told to end; writes "TEXT ID"
# for each answer and "failed ..." for anything else
sub client {
    my ($nginx, $n, $seconds) = @_;

    pipe my $read, my $write;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        my $end = time + $seconds;
        my $socket = $nginx->connected;

        for (my $i = 0; time < $end; $i++) {
            my $text = "client $n turn $i";
            my $body = $json->encode({ text => $text, session_id => "s$n", item_id => "i$i" });

            for my $try (1 .. 3) {
                my ($status, $answer) = $nginx->request($socket, 'POST /t', $body, sub => 'u-load');

                if (!defined $status) {

                    # a kept connection that a leaving worker closed
                    $socket = $nginx->connected or last;
                    next;
                }

                my ($id) = ($answer // '') =~ /"id":"(\w+)"/;
                print $write $status == 200 && $id ? "$text\t$id\n" : "failed: $status $answer\n";
                last;
            }
            sleep 0.01;
        }
        close $write;
        POSIX::_exit(0);
    }

    close $write;
    return { pid => $pid, out => $read };
}


sub answers {
    my (@clients) = @_;

    my (%ids, @failed);

    for my $client (@clients) {
        my $out = $client->{out};
        while (my $line = <$out>) {
            chomp $line;
            if ($line =~ /^failed/) { push @failed, $line; next }
            my ($text, $id) = split /\t/, $line;
            $ids{$text} = $id;
        }
        waitpid $client->{pid}, 0;
    }

    return (\%ids, \@failed);
}


sub lacking {
    my ($ids, $found) = @_;

    return [grep { ($found->{$_} // '') ne $ids->{$_} } sort keys %$ids];
}


subtest 'reloads under load' => sub {
    my $nginx = nginx();
    my @clients = map { client($nginx, $_, 4) } 1 .. 8;

    for (1 .. 6) { sleep 0.5; $nginx->signal('HUP') }

    my ($ids, $failed) = answers(@clients);
    my $found = stored($nginx, 'u-load');

    cmp_ok(scalar keys %$ids, '>', 300, 'transcripts were written meanwhile');
    is_deeply($failed, [], 'no request failed');
    is_deeply(lacking($ids, $found), [], 'every id answered is in the store');

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
};


for my $signal ('QUIT', 'TERM') {
    subtest "SIG$signal under load" => sub {
        my $nginx = nginx();
        my @clients = map { client($nginx, $_, 1.5) } 1 .. 8;

        sleep 0.7;
        $nginx->stop($signal);

        my ($ids, $failed) = answers(@clients);

        $nginx->start;
        my $found = stored($nginx, 'u-load');

        cmp_ok(scalar keys %$ids, '>', 20, 'transcripts were written before');
        is_deeply($failed, [], 'no request was refused');
        is_deeply(lacking($ids, $found), [], 'every id answered is in the store');

        $nginx->stop('QUIT');
        unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
    };
}


subtest 'a client that leaves is written all the same' => sub {
    my $nginx = nginx();

    for my $i (1 .. 20) {
        my $socket = $nginx->connected;
        Nginx::send_request($socket, 'POST /t', $json->encode({ text => "gone $i" }), sub => 'u-gone');
        close $socket;
    }

    Nginx::wait_until(sub { keys %{ stored($nginx, 'u-gone') } == 20 }, 'all 20 are there');
    pass('all 20 are there');

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
};


subtest 'a slow store: what is too much is refused at once, the rest is late' => sub {
    my $nginx = nginx("realtime_store_queue 2;\nrealtime_store_timeout 5s;", 'sqlite:%%DIR%%/store.db');
    stored($nginx, 'u-slow');

    my $lock = Nginx::locked("$nginx->{dir}/store.db");
    my @sockets = map { $nginx->connected } 1 .. 40;

    for my $i (0 .. $#sockets) {
        Nginx::send_request($sockets[$i], 'POST /t', $json->encode({ text => "slow $i" }), sub => 'u-slow');
    }

    # in each worker one batch, of 2 at most, and 2 that wait; chance may give all to one
    my (@busy, @late);
    my $rin = '';
    vec($rin, fileno $_, 1) = 1 for @sockets;
    sleep 0.5;
    select(my $rout = $rin, undef, undef, 0);

    for my $i (0 .. $#sockets) {
        push @{ vec($rout, fileno $sockets[$i], 1) ? \@busy : \@late }, $i;
    }

    cmp_ok(scalar @late, '<=', 8, 'no more than the batch and the queue take');
    cmp_ok(scalar @late, '>=', 3, 'but as much as they take');

    my %how = map { $_ => 1 } map { CORE::join(' ', (Nginx::response($sockets[$_]))[0, 1]) } @busy;
    is(scalar keys %how, 1, 'all others are refused alike');
    like((keys %how)[0], qr/^503 .*"code":"busy"/, 'as busy');

    close $lock;

    my @bad = grep { $_ != 200 } map { (Nginx::response($sockets[$_]))[0] // 0 } @late;
    is_deeply(\@bad, [], 'the late ones are written');

    is(scalar keys %{ stored($nginx, 'u-slow') }, scalar @late, 'these and no others are in the store');
    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
};


subtest 'many writes behind a store that does not come' => sub {
    my $nginx = nginx("realtime_store_timeout 1s;", 'sqlite:%%DIR%%/store.db', workers => 1);
    stored($nginx, 'u-many');

    my $lock = Nginx::locked("$nginx->{dir}/store.db");
    my @sockets = map { $nginx->connected } 1 .. 400;
    Nginx::send_request($_, 'POST /t', '{"text":"many"}', sub => 'u-many') for @sockets;

    my $start = time;
    is_deeply(Nginx::answers(@sockets), { '503 store_unavailable' => 400 }, 'all are refused');
    cmp_ok(time - $start, '<', 2.5, 'and none waits for more than one write before it');

    close $lock;
    is(scalar keys %{ stored($nginx, 'u-many') }, 0, 'none of them was written later');

    $nginx->stop('QUIT');
    like($nginx->log, qr/write timeout: \d+ waited for the writes before them/, 'the log says why');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'otherwise a quiet log');
};


subtest 'a store that does not come in time' => sub {
    my $nginx = nginx('realtime_store_timeout 300ms;', 'sqlite:%%DIR%%/store.db');
    stored($nginx, 'u-late');

    my $lock = Nginx::locked("$nginx->{dir}/store.db");
    my $start = time;
    my ($status, $body) = $nginx->request($nginx->connected, 'POST /t', '{"text":"late"}', sub => 'u-late');

    is($status, 503, 'refused');
    like($body, qr/"code":"store_unavailable"/, 'as unavailable');
    cmp_ok(time - $start, '<', 2, 'within its time');

    # and at its end, with a write under way
    my $socket = $nginx->connected;
    Nginx::send_request($socket, 'POST /t', '{"text":"quit"}', sub => 'u-late');
    sleep 0.1;
    $nginx->signal('QUIT');
    close $lock;
    ($status, $body) = Nginx::response($socket);
    is($status, 200, 'a worker that leaves answers first');

    $nginx->stop('QUIT');
    unlike($nginx->log, qr/\[(alert|crit|emerg)\]|signal 11/, 'a quiet log');
};

done_testing();
