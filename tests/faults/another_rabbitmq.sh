#!/bin/sh
# another_rabbitmq.sh VERSION DIRECTORY: prints where `rabbitmq-server` and `rabbitmqctl` of RabbitMQ VERSION (3.10, 4.0 or
# 4.3) are, for POSTERN_RABBITMQ. Where this machine's own package is of that version, it is that one;
# otherwise a minimal Debian that has it is made below DIRECTORY, once, and two commands that run it in a chroot.
# As root. What it does meanwhile it says on standard error.
#
#   POSTERN_DEBIAN_MIRROR=url   instead of the mirror that apt on this machine takes Debian from
set -eu

say() { echo "$@" >&2; }

give_up() { # exit code, then why
	code=$1
	shift
	say "another_rabbitmq.sh: $*"
	exit "$code"
}

[ $# -eq 2 ] || give_up 2 "say a version and a directory: another_rabbitmq.sh 4.3 .postern"
version=$1
case $version in
3.10) suite=bookworm ;;
4.0) suite=trixie ;;
4.3) suite=sid ;;
*) give_up 2 "RabbitMQ $version is not among those that Debian has: 3.10, 4.0, 4.3" ;;
esac
[ "$(id -u)" -eq 0 ] || give_up 2 "making and entering another Debian needs root"

installed=$(dpkg-query --show --showformat '${Version}' rabbitmq-server 2>/dev/null || true)
case $installed in
"$version".*)
	say "RabbitMQ $installed is this machine's own"
	echo /usr/lib/rabbitmq/bin
	exit
	;;
esac

mkdir -p "$2/rabbitmq-$version"
place=$(realpath "$2/rabbitmq-$version")
root=$place/root

write_command() { # name
	cat >"$place/bin/$1" <<-SCRIPT
		#!/bin/sh
		# Becomes the command itself, as the packaged one does: its pid is this one, and so are signals. Its files are at
		# the same paths inside as outside: what is temporary, and its home.
		exec unshare --mount -- /bin/sh -c '
			for shared in /proc /sys /dev /tmp /var/tmp "\$HOME"; do
				mkdir -p "$root\$shared" && mount --rbind "\$shared" "$root\$shared" || exit 1
			done
			exec chroot "$root" /usr/lib/rabbitmq/bin/$1 "\$@"' "$1" "\$@"
	SCRIPT
	chmod +x "$place/bin/$1"
}

if [ ! -d "$root" ]; then
	say "making a Debian $suite with RabbitMQ in $root; a minute or two"
	"$(dirname "$0")/../minimal_debian.sh" "$suite" "$root" rabbitmq-server
	cp /etc/hosts "$root/etc/hosts" # a node is called postern@localhost
fi
mkdir -p "$place/bin"
write_command rabbitmq-server
write_command rabbitmqctl

found=$(dpkg-query --root="$root" --show --showformat '${Version}' rabbitmq-server)
case $found in
"$version".*) say "RabbitMQ $found is in $root" ;;
*) give_up 1 "Debian $suite has RabbitMQ $found by now, not $version. Remove $place, and name an archive that still has it:" \
	"POSTERN_DEBIAN_MIRROR=url" ;;
esac
echo "$place/bin"
