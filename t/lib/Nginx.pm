package Nginx;

# An nginx with master and workers, for tests that reload, end or crowd it;
# Test::Nginx runs one process.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use File::Spec;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use JWT;


# new(http => TEXT, config => TEXT, workers => N): started, and answering;
# %%DIR%% in the texts is its folder, which holds jwt.key
sub new {
    my ($class, %arg) = @_;

    my $port = free_port();
    my $dir = File::Spec->rel2abs("t/servroot_$port");
    my $self = bless { port => $port, dir => $dir }, $class;

    make_path("$dir/logs", "$dir/html");
    put("$dir/jwt.key", "$SECRET\n");

    my $module = $ENV{TEST_NGINX_LOAD_MODULES} || die 'TEST_NGINX_LOAD_MODULES is not set';
    my $user = $> == 0 ? 'user root;' : '';
    my $workers = $arg{workers} || 2;

    my $conf = <<"END";
load_module $module;
$user
worker_processes $workers;
pid logs/nginx.pid;
error_log logs/error.log info;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path body_temp;
    proxy_temp_path proxy_temp;
    fastcgi_temp_path fastcgi_temp;
    uwsgi_temp_path uwsgi_temp;
    scgi_temp_path scgi_temp;
    keepalive_requests 1000000;
    realtime_jwt_key $dir/jwt.key alg=HS256;
    $arg{http}
    server {
        listen 127.0.0.1:$port;
        $arg{config}
    }
}
END

    $conf =~ s/%%DIR%%/$dir/g;
    put("$dir/nginx.conf", $conf);
    $self->start;

    return $self;
}


sub start {
    my ($self) = @_;

    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    system($binary, '-p', $self->{dir}, '-e', "$self->{dir}/logs/error.log", '-c', "$self->{dir}/nginx.conf") == 0
        or die "nginx does not start\n" . $self->log;

    wait_until(sub { $self->connected }, 'nginx answers');
    wait_until(sub { -s "$self->{dir}/logs/nginx.pid" }, 'a pid');

    $self->{pid} = $self->pid;
}


sub pid {
    my ($self) = @_;

    open my $in, '<', "$self->{dir}/logs/nginx.pid" or return;
    my $pid = <$in>;

    return $pid && $pid + 0;
}


sub connected {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5);
}


sub signal {
    my ($self, $signal) = @_;

    kill $signal, $self->{pid};
}


# kill -9 of the master and all of its workers
sub kill_all {
    my ($self) = @_;

    my $pid = delete $self->{pid};
    my @all = ($pid);

    # stopped, so that it starts no other in their place
    kill 'STOP', $pid;

    if (open my $in, '<', "/proc/$pid/task/$pid/children") {
        push @all, split ' ', <$in> // '';
    }

    kill 'KILL', @all;
    wait_until(sub { !kill 0, @all }, 'nginx has gone', 30);
    unlink "$self->{dir}/logs/nginx.pid";
}


# ends it with a signal and waits until it has gone
# stop(SIGNAL): QUIT without one; KILL is for its workers, too, which would live
# on without their master
sub stop {
    my ($self, $signal) = @_;

    return if !$self->{pid};

    my $pid = delete $self->{pid};
    my @all = ($pid, ($signal // '') eq 'KILL' ? workers($pid) : ());

    kill $signal || 'QUIT', @all;
    wait_until(sub { !kill 0, @all }, 'nginx has gone', 30);
    unlink "$self->{dir}/logs/nginx.pid";
}


sub workers {
    my $pid = shift;

    open my $in, '<', "/proc/$pid/task/$pid/children" or return;

    return split ' ', <$in> // '';
}


sub log {
    my ($self) = @_;

    open my $in, '<', "$self->{dir}/logs/error.log" or return '';
    local $/;

    return <$in> // '';
}


# request(SOCKET, "GET /", BODY, CLAIM => VALUE, ...): (status, body, head), or
# nothing where the connection ended
sub request {
    my ($self, $socket, $line, $body, %claims) = @_;

    return $socket && send_request($socket, $line, $body, %claims) ? response($socket) : ();
}


sub send_request {
    my ($socket, $line, $body, %claims) = @_;

    my $type = defined $body ? "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n" : '';

    local $SIG{PIPE} = 'IGNORE';

    return print $socket "$line HTTP/1.1\r\nHost: localhost\r\n" . bearer(%claims) . "\r\n$type\r\n" . ($body // '');
}


sub response {
    my ($socket) = @_;

    my ($status, $length, $head) = (undef, 0, '');

    while (my $line = <$socket>) {
        $status //= $1 if $line =~ m{^HTTP/1\.1 (\d+)};
        $length = $1 if $line =~ /^Content-Length: (\d+)/i;
        last if $line eq "\r\n";
        $head .= $line;
    }

    return if !defined $status;

    my $body = '';

    while (length $body < $length) {
        read($socket, $body, $length - length $body, length $body) or return;
    }

    return ($status, $body, $head);
}


# what comes on each socket: "STATUS CODE" => how often
sub answers {
    my %times;

    for my $socket (@_) {
        my ($status, $body) = response($socket);
        $times{ ($status // 'none') . ' ' . (($body // '') =~ /"code":"(\w+)"/ ? $1 : '') }++;
    }

    return \%times;
}


sub wait_until {
    my ($is, $what, $seconds) = @_;

    my $end = time + ($seconds || 10);

    until ($is->()) {
        die "waited in vain: $what\n" if time > $end;
        sleep 0.02;
    }
}


# somebody else holds the file's write lock, or what other SQL takes, until the
# handle is closed
sub locked {
    my ($file, $sql) = @_;

    $sql //= 'begin immediate';
    unlink "$file.held";

    my $pid = open my $holder, '|-', '/usr/bin/python3', '-c', <<"END" or die "python3: $!";
import sqlite3, sys
c = sqlite3.connect("$file", isolation_level=None)
for s in "$sql".split(";"): c.execute(s).fetchall()
open("$file.held", "w").close()
sys.stdin.read()
END
    wait_until(sub { -e "$file.held" }, 'the lock');
    unlink "$file.held";

    return $holder;
}


sub put {
    my ($file, $text) = @_;

    open my $out, '>', $file or die "$file: $!";
    print $out $text;
    close $out;
}


sub free_port {
    my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "no port: $!";

    return $socket->sockport;
}


sub DESTROY {
    my ($self) = @_;

    return if ($self->{owner} // $$) != $$;

    $self->{pid} //= $self->pid;
    eval { $self->stop('KILL'); 1 } or warn $@;
    remove_tree($self->{dir});
}

1;
