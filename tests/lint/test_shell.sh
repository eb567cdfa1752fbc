#!/bin/sh
# Every shell script of the tree parses; with shellcheck installed it also passes that. Usage: test_shell.sh ROOT
cd "$1" || exit 1
scripts=$(find . \( -name .git -o -name build -o -name 'build-*' -o -name results \) -prune -o -name '*.sh' -print; echo .ci/run)
status=0
for script in $scripts; do
    case $(head -n 1 "$script") in
    *bash) bash -n "$script" || status=1 ;;
    *) sh -n "$script" || status=1 ;;
    esac
done
if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2086  # the list is words
    shellcheck -S warning $scripts || status=1
fi
exit $status
