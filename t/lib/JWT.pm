package JWT;

# Tokens for tests: signed here where a secret signs, else by scripts/token.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Encode qw(encode_utf8);
use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

our @EXPORT = qw($SECRET token bearer sign_token);

our $SECRET = 'a secret of 32 bytes and more, for tests only: 0123456789abcdef!';

my %hmac = (
    HS256 => \&hmac_sha256,
    HS384 => \&hmac_sha384,
    HS512 => \&hmac_sha512,
);

my $json = JSON::PP->new->canonical->utf8;


# sign_token(HEADER, PAYLOAD[, SECRET]): both JSON as it is
sub sign_token {
    my ($header, $payload, $secret) = @_;

    my ($alg) = $header =~ /"alg":"(HS\d+)"/;
    my $data = encode_base64url($header) . '.' . encode_base64url($payload);

    return $data . '.' . encode_base64url($hmac{$alg || 'HS256'}->($data, $secret // $SECRET));
}


# token(CLAIM => VALUE, ...): HS256, user u-17, valid for an hour; undef leaves
# a claim out; _alg, _kid and _secret are for the header and the signature
sub token {
    my %claims = (sub => 'u-17', roles => ['Staff'], exp => time() + 3600, @_);
    my %header = (typ => 'JWT', alg => delete $claims{_alg} // 'HS256');
    my $kid = delete $claims{_kid};
    my $secret = delete $claims{_secret};

    $header{kid} = $kid if defined $kid;
    delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;

    return sign_token($json->encode(\%header), $json->encode(\%claims), $secret);
}


sub bearer {
    return 'Authorization: Bearer ' . token(@_);
}

1;
