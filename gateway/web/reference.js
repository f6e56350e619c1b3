// Opens the reference and signs in for its requests. Scalar renders the operations of /openapi.json.
"use strict";

const settings = JSON.parse(document.getElementById("settings").textContent);
const form = document.getElementById("sign-in");
const output = document.getElementById("signed-in");

// The `type` of a problem is /docs#BOOKING002.
function showErrorOfHash() {
  if (/^#[A-Z]+[0-9]{3}$/.test(location.hash)) location.replace("/docs/errors" + location.hash);
}

function configuration(token) {
  return {
    url: "/openapi.json",
    // Requests go to the host of this page, under whatever name it is reached.
    servers: [{ url: location.origin }],
    withDefaultFonts: false,
    telemetry: false,
    showDeveloperTools: "never",
    hideClientButton: true,
    agent: { disabled: true },
    persistAuth: false,
    defaultOpenFirstTag: false,
    documentDownloadType: "json",
    hiddenClients: true,
    authentication: {
      preferredSecurityScheme: "bearerAuth",
      securitySchemes: { bearerAuth: { token: token } },
    },
    metaData: { title: document.title },
    customCss: ":root { --scalar-custom-header-height: var(--bar); } @media (max-width: 1000px) { :root { --scalar-custom-header-height: 0px; } }",
  };
}

showErrorOfHash();
addEventListener("hashchange", showErrorOfHash);
const reference = Scalar.createApiReference("#reference", configuration(""));

for (const login of settings.demo_logins) {
  document.getElementById("logins").append(new Option(login));
}
form.email.value = settings.demo_logins[0] || "";
form.password.value = settings.demo_password;

async function signIn(mfaCode) {
  const credentials = { email: form.email.value, password: form.password.value, mfa_code: mfaCode };
  const response = await fetch("/v1/auth/login", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept-Language": navigator.language },
    body: JSON.stringify(credentials),
  });
  const body = await response.json();
  // MFA_REQUIRED
  const code = body.code === "AUTH024" ? prompt(body.detail) : null;
  return code ? signIn(code) : { response, body };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { response, body } = await signIn(undefined);
  output.classList.toggle("failed", !response.ok);
  if (response.ok) {
    output.textContent = `${body.user.name} (${body.user.role})`;
    reference.updateConfiguration(configuration(body.access_token));
  } else {
    output.textContent = body.detail;
  }
});
