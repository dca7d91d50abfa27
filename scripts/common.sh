# shellcheck shell=bash
# What the scripts share; sourced, never run. Sets $root, and puts the tools
# that scripts/setup keeps under build/tools first on PATH.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/build/tools

for dir in /usr/lib/go-1.23/bin "$tools/node_modules/.bin"; do
    if [ -d "$dir" ]; then
        PATH=$dir:$PATH
    fi
done
export PATH


die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# version_ge HAVE WANT: dotted versions, HAVE >= WANT
version_ge() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# repository SUITE: the line of /etc/apt's own mirror for another suite of
# Debian, in the one-line form, without "deb". The machine's mirror is taken
# from apt itself, so both forms of its configuration work and no host is
# named here.
repository() {
    local codename uri keyring options=

    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")

    # shellcheck disable=SC2016
    uri=$(apt-get indextargets \
              --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)' \
          | awk -v names="$codename stable oldstable oldoldstable" '
                BEGIN { n = split(names, name, " ") }
                $3 == "main" && $4 == "Packages" {
                    for (i = 1; i <= n; i++) {
                        if ($2 == name[i]) { print $1; exit }
                    }
                }')

    if [ -z "$uri" ]; then
        die "apt knows no repository with the suite $codename, component main"
    fi

    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ -r "$keyring" ]; then
        options="[signed-by=$keyring] "
    fi

    printf '%s%s %s main\n' "$options" "$uri" "$1"
}

# apt_aside DIR ARG...: apt-get with the one source list DIR/list and its own
# state in DIR, so that neither the machine's lists nor its preferences see
# that source
apt_aside() {
    local dir=$1

    shift
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"

    cat > "$dir/apt.conf" << END
Dir::Etc::SourceList "$dir/list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir/cache";
Acquire::Languages "none";
APT::Sandbox::User "root";
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END

    apt-get -q -c "$dir/apt.conf" "$@"
}
