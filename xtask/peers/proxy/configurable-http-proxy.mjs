import "./node_modules/configurable-http-proxy/bin/configurable-http-proxy";
