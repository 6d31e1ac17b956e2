#!/bin/sh
# Turns migrations/NNNN_name.sql files into a C table, so that the program carries its own schema.
set -eu
printf '#include "db/driver.h"\n\nconst struct db_migration db_migrations[] = {\n'
for file in "$@"; do
	base=$(basename "$file" .sql)
	number=$(printf '%s' "${base%%_*}" | sed 's/^0*//')
	printf '{%s, "%s",\n' "$number" "$base"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
	printf '},\n'
done
printf '{0, NULL, NULL}};\n'
