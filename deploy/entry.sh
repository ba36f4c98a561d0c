#!/bin/sh
# The image's entry: becomes a program of DRaaS, with the permissions of its task in deno.json and no others.
set -fu
cd /draas || exit 1

name=${1-}
if [ "$name" = worker:aks ]; then name=worker:kubernetes; fi
case $name in
  # It is put into a pattern below.
  *[!a-z:]*) permissions= ;;
  *) permissions=$(sed -n "s/^ *\"$name\": \"deno run \(-.*\) main\.ts $name\",*\$/\1/p" deno.json) ;;
esac

# What is no program (--version, --help, a wrong word) needs nothing but its libraries' look at the environment.
# The permissions are many words on purpose.
# shellcheck disable=SC2086
exec deno run --cached-only --frozen ${permissions:---quiet --no-prompt --allow-env} main.ts "$@"
