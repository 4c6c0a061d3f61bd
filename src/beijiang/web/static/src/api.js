// The interactive description of the API: Swagger UI from its npm package, read from this server, nothing fetched elsewhere.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

const place = document.getElementById("api");
if (place) {
  SwaggerUI({
    domNode: place,
    url: place.dataset.description,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    tryItOutEnabled: false,
  });
}
