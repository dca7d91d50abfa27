package Primary;

# A scripted replica set of MongoDB (t/lib/primary.py), for as long as the
# object lives.

use strict;
use warnings;

use IPC::Open2;
use JSON::PP;


sub new {
    my ($class) = @_;

    my $pid = open2(my $out, my $in, '/usr/bin/python3', 't/lib/primary.py');
    chomp(my $uri = <$out> // '');

    die 'the scripted primary did not start' if !$uri;

    return bless { pid => $pid, in => $in, out => $out, uri => $uri, owner => $$ }, $class;
}


# one line of t/lib/primary.py's list; its answer
sub say {
    my ($self, $line) = @_;

    print { $self->{in} } "$line\n";
    $self->{in}->flush;
    chomp(my $answer = readline($self->{out}) // '');

    return $answer;
}


sub state { return JSON::PP->new->utf8->decode($_[0]->say('state')) }


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;

    close $self->{in};
    waitpid $self->{pid}, 0;
}

1;
