// The token of a mail's link stands behind the #, where no server and no log sees it. It is put into the
// form and taken out of the address, so that it does not stay in the browser's history.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  const field = document.querySelector("[data-token]");
  field.querySelector("input").value = token;
  field.hidden = true;
  history.replaceState(null, "", location.pathname);
}
