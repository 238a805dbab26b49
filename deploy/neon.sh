#!/bin/sh
# Makes a Neon database ready to serve from, and says whether it is: the role that serves, the schema, a look at
# both as production would. It may be run again at any time, also to give the role another password.
#
#   NEON_OWNER_URL='postgresql://neondb_owner:…@ep-….neon.tech/neondb?sslmode=require' \
#   CHATCORE_APP_PASSWORD="$(openssl rand -hex 24)" AUTH_JWT_SECRET=… deploy/neon.sh
#
# NEON_OWNER_URL is the address that Neon shows without pooling, as the role that owns the database. The serving role
# and the program have other names than `chatcore_app` and `chatcore` where CHATCORE_APP_ROLE and CHATCORE say so.
# What else the server will be given (AUTH_…, OPENAI_API_KEY) is judged with the rest where it is set.
set -eu

refuse() {
    echo "$1" >&2
    exit 2
}

: "${NEON_OWNER_URL:?set it to the address of the database as its owner, without -pooler}"
: "${CHATCORE_APP_PASSWORD:?set it to a long random password for the role that serves}"
role=${CHATCORE_APP_ROLE:-chatcore_app}
program=${CHATCORE:-chatcore}

case $NEON_OWNER_URL in
    *-pooler.*) refuse 'NEON_OWNER_URL is that of the pooler; migrations need the one without -pooler.' ;;
    postgresql://*:*@*/* | postgres://*:*@*/*) ;;
    *) refuse 'NEON_OWNER_URL is not like postgresql://owner:password@host/database.' ;;
esac
case $CHATCORE_APP_PASSWORD in
    *[!A-Za-z0-9]*) refuse 'CHATCORE_APP_PASSWORD may have letters and digits only, for it stands in an address.' ;;
esac
case $role in
    [!a-z]* | *[!a-z0-9_]*) refuse 'CHATCORE_APP_ROLE may have small letters, digits and _ only.' ;;
esac

place=${NEON_OWNER_URL#*://}
login=${place%%@*}
place=${place#*@}
case $login in
    *%*) refuse 'NEON_OWNER_URL has an escaped user or password; give the owner a password without signs.' ;;
esac

# Passwords go through the environment: arguments are there to be read by everybody on the machine.
PGPASSWORD=${login#*:} CHATCORE_APP_ROLE=$role CHATCORE_APP_PASSWORD=$CHATCORE_APP_PASSWORD \
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file="$(dirname "$0")/neon.sql" "postgresql://${login%%:*}@$place"

export DATABASE_URL="postgresql://$role:$CHATCORE_APP_PASSWORD@$place" DATABASE_URL_UNPOOLED="$NEON_OWNER_URL"
unset NEON_OWNER_URL CHATCORE_APP_PASSWORD CHATCORE_APP_ROLE CHATCORE
"$program" migrate up
if CHATCORE_ENV=production "$program" doctor; then
    echo 'The server is to be given, with the password in place of …:'
    # The pooler has the name of the endpoint with -pooler behind it, and the same everything else.
    echo "DATABASE_URL=postgresql://$role:…@$(echo "$place" | sed 's/^\(ep-[a-z0-9-]*\)\./\1-pooler./')"
else
    refuse 'The role and the schema are there, but a server would not start like this; see above.'
fi
