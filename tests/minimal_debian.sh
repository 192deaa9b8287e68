#!/bin/sh
# minimal_debian.sh SUITE DIRECTORY [PACKAGE]: makes a minimal Debian in DIRECTORY, which is not there yet, with a package more.
# Installs debootstrap where it is missing. As root. What it does it says on standard error.
#
#   POSTERN_DEBIAN_MIRROR=url   instead of the mirror that apt on this machine takes Debian from
set -eu

suite=$1
directory=$2
package=${3:-}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

give_up() {
	echo "minimal_debian.sh: $*" >&2
	exit 2
}

# The archive that apt itself takes Debian's packages from.
mirror_of_apt() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

[ "$(id -u)" -eq 0 ] || give_up "debootstrap needs root"
command -v apt-get >/dev/null || give_up "this needs Debian or a relative: debootstrap, and apt's mirror"
if ! command -v debootstrap >/dev/null || [ ! -e "$keyring" ]; then
	echo "installing debootstrap" >&2
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends debootstrap debian-archive-keyring; } >&2
fi
mirror=${POSTERN_DEBIAN_MIRROR:-$(mirror_of_apt)}
if [ -z "$mirror" ]; then # lists that were never fetched do not say whose they are
	apt-get update -q >&2
	mirror=$(mirror_of_apt)
fi
[ -n "$mirror" ] || give_up "apt on this machine has no mirror of Debian; name one: POSTERN_DEBIAN_MIRROR=url"

new=$directory.new
rm -rf --one-file-system "$new"
# In a mount namespace of its own: what debootstrap mounts there is never left behind here.
unshare --mount -- debootstrap --variant=minbase ${package:+"--include=$package"} --keyring="$keyring" \
	"$suite" "$new" "$mirror" >"$new.log" 2>&1 || give_up "debootstrap failed, see $new.log: $(tail -n 3 "$new.log")"
rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/* "$new.log"
mv "$new" "$directory"
