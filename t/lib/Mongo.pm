package Mongo;

# A MongoDB server of a test's own, which comes and goes: scripts/ferretdb.

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp ();


# new(): its address is known, it does not run yet
sub new {
    my ($class) = @_;

    my $dir = File::Temp::tempdir('mongo-XXXXXX', TMPDIR => 1);

    return bless { dir => $dir, port => Nginx::free_port(), owner => $$ }, $class;
}


sub uri {
    my ($self, $more) = @_;

    return "mongodb://127.0.0.1:$self->{port}/voice" . ($more // '');
}


# returns when it answers; its data are those of the last time; arguments are
# FerretDB's
sub start {
    my ($self, @args) = @_;

    open my $out, '-|', 'scripts/ferretdb', 'start', $self->{dir}, $self->{port}, @args or die "scripts/ferretdb: $!";
    my @lines = <$out>;
    close $out or die "no MongoDB server\n";
    ($self->{pid}) = $lines[0] =~ /^(\d+) /;
}


# kill -9: it waits for no connection to end
sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid};

    kill 'KILL', $pid;
    Nginx::wait_until(sub { !kill 0, $pid }, 'the server has gone');
}


# python(CODE): with the collection as c; what it prints
sub python {
    my ($self, $code) = @_;

    open my $in, '-|', '/usr/bin/python3', '-c', <<"END" or die "python3: $!";
import pymongo
c = pymongo.MongoClient("@{[$self->uri]}", serverSelectionTimeoutMS=5000).get_default_database()["transcripts"]
$code
END
    local $/;
    my $out = <$in> // '';
    close $in or die "python3 failed\n";

    return $out;
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;

    local $?;
    $self->stop if $self->{pid};
    remove_tree($self->{dir});
}

1;
