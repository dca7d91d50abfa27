package Store;

# The store a test runs on: an SQLite file of its own, or with TEST_MONGODB_URI
# a database of its own on that server (scripts/prove --mongodb).

use strict;
use warnings;

use Exporter qw(import);
use JWT;

our @EXPORT = qw(store_uri use_store as);

my $n = 0;
my %users;


# a URI that no other block has
sub store_uri {
    my $uri = $ENV{TEST_MONGODB_URI};

    $n++;

    return "sqlite:$Test::Nginx::Util::ServRoot/html/store.db" if !$uri;

    $uri =~ s{^(mongodb://[^/]+).*}{$1/t_${$}_$n};

    return $uri;
}


# what every block of a suite has in common, unless it says otherwise
sub use_store {
    my ($block) = @_;

    $block->set_value('user_files', ">>> jwt.key\n$SECRET\n") unless defined $block->user_files;
    $block->set_value('no_error_log', "[alert]\n[crit]") unless defined $block->no_error_log;
    $block->set_value('timeout', 10) unless defined $block->timeout;

    if (!defined $block->http_config) {
        my $more = $block->http ? $block->http : '';
        my $uri = store_uri();

        if (defined $block->users) {
            $users{$uri} = $block->users;
            $block->set_value('post_setup_server_root', "Store::put_users('$uri')");
        }

        $block->set_value('http_config', <<"END");
    realtime_jwt_key ../html/jwt.key alg=HS256;
    realtime_admin_roles Admin;
    realtime_store $uri;
$more
END
    }

    $block->set_value('more_headers', as()) unless defined $block->more_headers;
    $block->set_value('config', 'location /t { realtime_transcripts; }') unless defined $block->config;
}


# a block's "users", JSON documents, into its store before nginx starts
sub put_users {
    my ($uri) = @_;

    open my $out, '|-', '/usr/bin/python3', 't/lib/users.py', $uri or die "users.py: $!";
    print $out $users{$uri};
    close $out or die "users.py failed\n";
}


# the headers of a request by a user with these claims
sub as {
    return bearer(@_) . "\nContent-Type: application/json";
}

1;
