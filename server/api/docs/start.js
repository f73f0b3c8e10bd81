// Everything that is asked for comes from here: no validator, no other document.
window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false, // a token ends with the page
  queryConfigEnabled: false,
  showExtensions: true,
  tagsSorter: 'alpha',
  defaultModelsExpandDepth: 0,
});
