# A scripted upstream: answers an offer as its line "a=peer:MODE" says, and logs
# each request. GET /log gives the log and empties it; with ?wait=WORD it waits
# until the log has that word, 3 seconds at most.

package Peer;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Temp;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

my $ANSWER = "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
my $dir = File::Temp->newdir;
my ($pid, $owner);


sub start {
    my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1)
        or die "peer: $!";

    $owner = $$;
    $pid = fork;

    if ($pid == 0) {
        $SIG{CHLD} = 'IGNORE';

        while (my $client = $server->accept) {
            if (!fork) {
                serve($client);
                exec 'true';    # not the END blocks of the test
            }
        }

        exec 'true';
    }

    return $server->sockport;
}


END {
    if ($pid && $$ == $owner) {
        kill 'TERM', $pid;
        my $status = $?;
        waitpid $pid, 0;
        $? = $status;
    }
}


sub serve {
    my $client = shift;
    my $n = 0;

    while (my ($head, $body) = read_request($client)) {
        my ($method, $uri) = $head =~ /^(\S+) (\S+)/;

        if ($uri =~ m{^/log(?:\?wait=(\w+))?}) {
            reply($client, 200, '', take_log($1));
            next;
        }

        my ($mode) = $body =~ /^a=peer:(\w+)/m;
        $mode //= '';
        write_log("$method $uri $mode\n");
        $n++;

        if ($uri =~ m{/hangup$}) {
            reply($client, 200, '', '');
            next;
        }

        answer($client, $mode, $head, $body, $n) or return;
    }
}


sub answer {
    my ($client, $mode, $head, $body, $n) = @_;
    my $call = "Location: /v1/realtime/calls/rtc_u7_$mode\r\n";

    if ($mode =~ /^status(\d+)$/) {
        return reply($client, $1, '', $ANSWER);
    }

    if ($mode =~ /^error(\d+)$/) {
        return reply($client, $1, "Retry-After: 7\r\n",
                     '{"error":{"message":"No: sk-secret1234567890 or Zq0key"}}');
    }

    if ($mode eq 'digest') {
        my ($boundary) = $head =~ /boundary=(\S+)/;
        my $offer = $body;
        ($offer) = $body =~ /\r\n\r\n(.*?)\r\n--$boundary/s if $boundary;
        return reply($client, 201, $call, "v=0\r\ns=" . length($offer) . ' ' . sha256_hex($offer) . "\r\n");
    }

    if ($mode eq 'echo') {
        my ($boundary) = $head =~ /boundary=(\S+)/;
        my $text = "$head\r\n\r\n$body";
        $text =~ s/$boundary/BOUNDARY/g if $boundary;
        return reply($client, 201, $call, "v=0\r\n$text");
    }

    if ($mode eq 'boundary') {
        my ($boundary) = $head =~ /boundary=(\S+)/;
        return reply($client, 201, $call, "v=0\r\ns=$boundary\r\n");
    }

    if ($mode eq 'json')   { return reply($client, 200, '', '{"id":"x"}') }
    if ($mode eq 'long')   { return reply($client, 500, '', "x" . "\xc3\xa9" x 2000) }
    if ($mode eq 'empty')  { return reply($client, 201, $call, '') }
    if ($mode eq 'big')    { return reply($client, 201, $call, $ANSWER . 'a' x 1048576) }
    if ($mode eq 'noid')   { return reply($client, 201, "Location: /v1/x/../call\r\n", $ANSWER) }
    if ($mode eq 'cookie') { return reply($client, 201, "${call}Set-Cookie: a=b\r\nX-Request-Id: req_9\r\n", $ANSWER) }

    if ($mode eq 'chunked') {
        print $client "HTTP/1.1 201 Created\r\n${call}Transfer-Encoding: chunked\r\n\r\n";
        for my $part ($ANSWER =~ /(.{1,7})/gs) {
            print $client sprintf("%x;x=y\r\n%s\r\n", length $part, $part);
            sleep 0.005;
        }
        print $client "0\r\nX-Trailer: x\r\n\r\n";
        return 1;
    }

    if ($mode eq 'drip') {      # 3 seconds, a byte every 60 ms
        local $SIG{PIPE} = 'IGNORE';
        print $client "HTTP/1.1 201 Created\r\n${call}Content-Length: 50\r\n\r\n" or return 0;
        for my $byte (split //, substr $ANSWER, 0, 50) {
            syswrite $client, $byte or last;
            sleep 0.06;
        }
        return 0;
    }

    if ($mode eq 'interim') {
        print $client "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
        return reply($client, 201, $call, $ANSWER);
    }

    if ($mode eq 'late') {
        sleep 0.8;
        return reply($client, 201, $call, $ANSWER);
    }

    if ($mode eq 'second' && $n == 1) {
        return reply($client, 201, $call, $ANSWER);
    }

    if ($mode eq 'close')     { print $client "HTTP/1.1 201 Created\r\n$call\r\n$ANSWER" }
    if ($mode eq 'truncated') { print $client "HTTP/1.1 201 Created\r\n${call}Content-Length: 4000\r\n\r\n$ANSWER" }
    if ($mode eq 'garbage')   { print $client "SSH-2.0-OpenSSH_9.2\r\n\r\n" }
    if ($mode eq 'slow')      { sleep 4 }
    if ($mode eq 'reset')     { setsockopt $client, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) }

    if ($mode eq '') {
        return reply($client, 201, $call, $ANSWER);
    }

    close $client;
    return 0;
}


sub reply {
    my ($client, $status, $headers, $body) = @_;

    print $client "HTTP/1.1 $status X\r\n${headers}Content-Length: " . length($body) . "\r\n\r\n$body";
    return 1;
}


sub read_request {
    my $client = shift;
    my $data = '';

    while ($data !~ /\r\n\r\n/) {
        sysread $client, $data, 65536, length $data or return;
    }

    my ($head, $body) = split /\r\n\r\n/, $data, 2;
    my ($length) = $head =~ /^content-length: (\d+)/mi;

    while (length $body < ($length // 0)) {
        sysread $client, $body, 65536, length $body or return;
    }

    return ($head, $body);
}


sub write_log {
    open my $file, '>>', "$dir/log" or die;
    print $file shift;
    close $file;
}


sub take_log {
    my $word = shift;
    my $text = '';

    for (1 .. 60) {
        if (open my $file, '<', "$dir/log") {
            local $/;
            $text = <$file> // '';
        }

        last if !$word || $text =~ /$word/;
        sleep 0.05;
    }

    unlink "$dir/log";
    return $text;
}


1;
