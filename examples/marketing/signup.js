// Upgrades the sign-up form in place: no reload, mistakes told beside the form. Without it the form works all the same.
for (const form of document.querySelectorAll("form.billhook-signup")) {
  const said = form.querySelector(".billhook-said");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return; // a double click signs up once
    button.disabled = true;
    said.textContent = "One moment …";
    const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    fields.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    try {
      const answer = await post(form.action, fields);
      const content = await answer.json();
      if (answer.status === 201) {
        location.assign(content.welcome_url);
        return;
      }
      said.textContent = answer.status === 202 ? "Please check your inbox: we have written to you." : content.error.message;
      form.elements[content.error?.field]?.focus?.();
    } catch {
      form.submit(); // without an answer that can be read, let the browser do it
      return;
    }
    button.disabled = false;
  });
}

async function post(address, fields) {
  const send = () => fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
  const answer = await send();
  if (answer.status !== 400 || (await answer.clone().json()).error.field !== "timezone") return answer;
  delete fields.timezone; // a zone that is younger than the list at Billhook must keep nobody out
  return send();
}
