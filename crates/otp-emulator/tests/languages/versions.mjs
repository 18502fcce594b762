// A login, and HEAD, by nothing but what Node brings: HTTP/1.1, HTTP/2, and both without TLS checks turned off.

import assert from "node:assert";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";

const [serviceUrl, caFile, token, adminUrl] = process.argv.slice(2);
const service = new URL(serviceUrl);
const ca = readFileSync(caFile);

function byHttp1(method, path) {
  return new Promise((resolve, reject) => {
    const options = { method, ca, headers: { "x-auth-token": token } };
    const request = https.request(serviceUrl + path, options, async (answer) => {
      let body = "";
      for await (const part of answer) body += part;
      resolve({ status: answer.statusCode, headers: answer.headers, body });
    });
    request.on("error", reject).end();
  });
}

const session = http2.connect(service.origin, { ca });

function byHttp2(method, path) {
  return new Promise((resolve, reject) => {
    const head = { ":method": method, ":path": service.pathname + path, "x-auth-token": token };
    const stream = session.request(head, { endStream: true });
    let headers;
    let body = "";
    stream.on("response", (given) => (headers = given));
    stream.on("data", (part) => (body += part));
    stream.on("error", reject);
    stream.on("end", () => resolve({ status: headers[":status"], headers, body }));
    stream.end();
  });
}

for (const call of [byHttp1, byHttp2]) {
  assert.equal((await call("POST", "/user/otp/sms/receive")).status, 204);
  const sms = await (await fetch(`${adminUrl}/sms/next?wait=10`)).json();
  const verified = await call("POST", `/user/otp/verify/${sms.otp}`);
  assert.equal(verified.status, 204);
  assert.ok(verified.headers["x-auth-token"]);
  const codes = await call("GET", "/user/otp/recovery-codes");
  assert.equal(JSON.parse(codes.body).recovery_codes.length, 10);
  const head = await call("HEAD", "/user/otp/recovery-codes");
  assert.deepEqual([head.status, head.body, head.headers.allow], [405, "", "GET, POST"]);
  const missing = await call("HEAD", "/nowhere");
  assert.deepEqual([missing.status, missing.body], [404, ""]);
}
session.close();
console.log("all as it should be");
