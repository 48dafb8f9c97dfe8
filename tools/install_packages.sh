# Sourced by ./quickstart and ./test: install_packages SECTION... of tools/apt-packages.txt.
# Asks dpkg first, so that nothing needs root, or a network, once all is there.

packages_of() {  # SECTION... → package and, perhaps, program a line
  local root=$1
  shift
  local section
  for section in "$@"; do
    sed -n "/^\[$section\]\$/,/^\[/p" "$root/tools/apt-packages.txt" | grep -v -e '^\[' -e '^#' -e '^$' || true
  done
}

missing_packages() {
  local package program
  while read -r package program; do
    if [ -n "${program:-}" ] && command -v "$program" >/dev/null 2>&1; then continue; fi
    case "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)" in
      ii*) ;;
      *) echo "$package" ;;
    esac
  done < <(packages_of "$@")
}

install_packages() {
  local root missing
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  missing=$(missing_packages "$root" "$@" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  echo "packages: installing $missing"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "packages: neither root nor sudo; as root, run:" >&2
      echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  # Debian's Postgres would make and start a cluster of its own on port 5432; the drop-in prevents
  # it. Where no init runs, no service is started either. Both files go again afterwards.
  # shellcheck disable=SC2016
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -euc '
    drop_in=/etc/postgresql-common/createcluster.d/pgreeve-no-main-cluster.conf
    policy=/usr/sbin/policy-rc.d
    made_policy=
    trap "rm -f $drop_in; [ -z \"\$made_policy\" ] || rm -f $policy" EXIT
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" > $drop_in
    if [ ! -e $policy ] && [ ! -d /run/systemd/system ]; then
      printf "#!/bin/sh\nexit 101\n" > $policy
      chmod 755 $policy
      made_policy=yes
    fi
    apt-get -q update
    apt-get -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@"
  ' sh $missing
}
