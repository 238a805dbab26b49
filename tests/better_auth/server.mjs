// A Better Auth server as its documentation has it, with its tables made at the start. Prints its address.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";
import pg from "pg";

const { BETTER_AUTH_SECRET, DATABASE_URL, ROTATION_SECONDS, SECURE_COOKIES } = process.env;

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;

const auth = betterAuth({
  baseURL,
  secret: BETTER_AUTH_SECRET,
  database: new pg.Pool({ connectionString: DATABASE_URL, max: 4 }),
  emailAndPassword: { enabled: true },
  advanced: { useSecureCookies: SECURE_COOKIES === "yes" },
  plugins: [bearer(), jwt({ jwks: { rotationInterval: Number(ROTATION_SECONDS), gracePeriod: 3600 } })],
  telemetry: { enabled: false },
});
await (await getMigrations(auth.options)).runMigrations();
server.on("request", toNodeHandler(auth));
console.log(JSON.stringify({ url: baseURL }));
