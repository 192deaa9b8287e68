#!/bin/sh
# another_rabbitmq.sh IMAGE DIRECTORY: unpacks a container image that has a RabbitMQ of Debian's layout and writes, into
# DIRECTORY/bin, a rabbitmq-server and a rabbitmqctl that run it in a chroot. Then, as root:
#
#   POSTERN_TEST_RABBITMQ=DIRECTORY/bin make faults QUICK=1
#
# The commands become the node, as the packaged ones do: its pid is theirs, and so are signals.
set -eu

image=$1
mkdir -p "$2/root" "$2/bin"
root=$(realpath "$2/root")

echo "unpacking $image into $root"
container=$(docker create "$image")
trap 'docker rm "$container" >/dev/null' EXIT
docker export "$container" | tar --extract --directory "$root"
# A container gets its own from the daemon.
cp /etc/hosts "$root/etc/hosts"
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/var/tmp"

for command in rabbitmq-server rabbitmqctl; do
	cat >"$2/bin/$command" <<-SCRIPT
		#!/bin/sh
		exec unshare --mount -- /bin/sh -c '
			for shared in proc sys dev tmp var/tmp; do mount --rbind "/\$shared" "$root/\$shared" || exit 1; done
			exec chroot "$root" /usr/lib/rabbitmq/bin/$command "\$@"' "$command" "\$@"
	SCRIPT
	chmod +x "$2/bin/$command"
done
echo "ready: POSTERN_TEST_RABBITMQ=$(realpath "$2/bin")"
