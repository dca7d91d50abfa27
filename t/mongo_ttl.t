# The TTL index: made with the time of the configuration, changed and dropped
# with it, and nobody else's touched. On scripted members of a replica set, and
# on a mongod where one is on PATH.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Mongo;
use Nginx;
use Primary;
use Test::More;


{
    package Mongod;

    sub new {
        my ($class) = @_;

        my $mongo = Mongo->new;
        $mongo->start;
        $mongo->{uri} = $mongo->uri;

        return bless { mongo => $mongo, uri => $mongo->uri }, $class;
    }

    sub python { return $_[0]{mongo}->python($_[1]) }

    sub indexes {
        my ($self) = @_;

        return JSON::PP->new->decode($self->python(<<'END'));
import json
print(json.dumps({i["name"]: {k: i[k] for k in i if k in ("name", "key", "expireAfterSeconds")}
                  for i in c.list_indexes() if i["name"] != "_id_"}, default=int))
END
    }

    sub index { return $_[0]->python("c.create_index('$_[2]', name='$_[1]')") }

    sub commands {
        my ($self) = @_;

        return JSON::PP->new->decode($self->python(<<'END'));
import json
metrics = c.database.command("serverStatus")["metrics"]["commands"]
print(json.dumps({name: metrics[name]["total"] for name in ("createIndexes", "dropIndexes")}, default=int))
END
    }
}

sub Primary::indexes { return $_[0]->state->{indexes} }

sub Primary::index { return $_[0]->say("index $_[1] $_[2]") }

sub Primary::commands { return $_[0]->state->{commands} }


# how many indexes a worker has asked for, or to be dropped
sub asked {
    my ($server) = @_;

    my $commands = $server->commands;

    return ($commands->{createIndexes} // 0) + ($commands->{dropIndexes} // 0);
}


# prepare(SERVER, ARGUMENTS of realtime_store): the log of a worker that has
# prepared the store
sub prepare {
    my ($server, $store) = @_;

    my $before = asked($server);

    my $nginx = Nginx->new(
        http => "realtime_store $server->{uri} $store;",
        config => 'location /t { realtime_transcripts; }',
        workers => 1,
    );
    $nginx->{owner} = $$;

    Nginx::wait_until(sub { asked($server) == $before + 3 }, 'the preparation');
    $nginx->stop('QUIT');

    return $nginx->log;
}


sub follows {
    my ($server) = @_;

    for my $case (['ttl=1h', 3600], ['ttl=1h', 3600], ['ttl=2h', 7200], ['ttl=90d', 7776000], ['', undef],
                  ['ttl=30m', 1800])
    {
        my ($ttl, $seconds) = @$case;
        my $log = prepare($server, $ttl);
        my $index = $server->indexes->{realtime_ttl};

        is($index->{expireAfterSeconds}, $seconds, "\"$ttl\": the seconds of the index");
        is_deeply($index->{key}, $ttl ? { created_at => 1 } : undef, 'which is one of the arrival');
        unlike($log, qr/\[(warn|error|alert|crit|emerg)\]/, 'a quiet log');
    }

    is_deeply([sort keys %{ $server->indexes }], ['realtime_session', 'realtime_ttl', 'realtime_user'], 'no others');
}


sub spares {
    my ($server, $name, $field) = @_;

    $server->index($name, $field);
    my $before = $server->indexes;
    my $log = prepare($server, 'ttl=1h');

    like($log, qr/\[warn\].*preparation: no TTL index, so this module erases what has expired: /, 'the log tells');
    is_deeply($server->indexes->{$name}, $before->{$name}, 'theirs is as it was');
}


my %servers = ('scripted members' => 'Primary', 'a mongod' => 'Mongod');
my $has_mongod = grep { -x "$_/mongod" } split /:/, $ENV{PATH};

for my $name (sort keys %servers) {
    my $class = $servers{$name};

    if ($class eq 'Mongod' && !$has_mongod) {
        subtest $name => sub { plan skip_all => 'mongod is not on PATH' };
        next;
    }

    subtest "$name: the index follows the configuration" => sub { follows($class->new) };

    subtest "$name: somebody's index of the same name" => sub { spares($class->new, 'realtime_ttl', 'timestamp') };

    subtest "$name: somebody's index of the same key" => sub { spares($class->new, 'by_arrival', 'created_at') };
}


subtest 'no right to change it' => sub {
    my $primary = Primary->new;

    prepare($primary, 'ttl=1h');
    $primary->say('refuse collMod 13 Unauthorized');
    my $log = prepare($primary, 'ttl=2h');

    like($log, qr/\[warn\].*no TTL index, so this module erases what has expired: collMod is refused/, 'the log tells');
};

done_testing();
