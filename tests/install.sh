#!/bin/sh
# jobs/install.sh against doubles of dpkg-query and apt-get.
set -eu
. "$abs_top_srcdir/tests/tap.sh"
install=$abs_top_srcdir/jobs/install.sh
make_scratch

# Every package is installed but those in the file "absent"; apt-get notes its arguments.
cat > "$scratch/dpkg-query" <<'END'
#!/bin/sh
for package; do :; done
if grep -qxF "$package" "$(dirname "$0")/absent"; then exit 1; else printf installed; fi
END
cat > "$scratch/apt-get" <<'END'
#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> "$(dirname "$0")/calls"
END
printf '#!/bin/sh\necho 0\n' > "$scratch/id"
chmod +x "$scratch/dpkg-query" "$scratch/apt-get" "$scratch/id"
PATH=$scratch:$PATH
export PATH
: > "$scratch/absent"
: > "$scratch/calls"

says() { # word, command ...: fails, and its message holds the word
	word=$1
	shift
	if "$@" > "$scratch/out" 2>&1; then return 1; fi
	grep -qF -- "$word" "$scratch/out"
}

plan 8
"$install" build demo test > "$scratch/out" 2>&1
check_empty "nothing missing: silent" "$(cat "$scratch/out" "$scratch/calls")"

printf 'libpng-dev\nclang\n' > "$scratch/absent"
"$install" build > "$scratch/out" 2>&1
check "installs what is missing of the section, and only that" \
	grep -qE '^noninteractive .*DPkg::Lock::Timeout=300.* install -y --no-install-recommends libpng-dev *$' "$scratch/calls"
"$install" build test > "$scratch/out" 2>&1
check "several sections at once" grep -qE 'install .* libpng-dev clang *$' "$scratch/calls"

RELIQUARY_APT_GET=$scratch/none
export RELIQUARY_APT_GET
: > "$scratch/calls"
printf '#!/bin/sh\nexit 1\n' > "$scratch/pkg-config"
printf '#!/bin/sh\nexit 1\n' > "$scratch/cc"
chmod +x "$scratch/pkg-config" "$scratch/cc"
check "without apt-get: names the header and its package" says "jpeglib.h (on Debian in the package libjpeg62-turbo-dev)" \
	env CC="$scratch/cc" "$install" build
check "and the pkg-config module" grep -qF "pc:hdf5-serial (on Debian in the package libhdf5-dev)" "$scratch/out"
check_empty "and installs nothing" "$(cat "$scratch/calls")"
check "an unknown section is refused" says "no section 'biuld'" "$install" biuld
check "an unknown option is refused" says "no option '--all'" "$install" --all
