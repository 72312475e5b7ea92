"""The product's API: routes, request and response schemas, and the OpenAPI document."""
