// Sends spans with one of the real Node exporters and prints the ids of what it sent as JSON.
// usage: node send.mjs proto|json|grpc COUNT; the endpoint comes from OTEL_EXPORTER_OTLP_ENDPOINT as in any app
import { trace } from '@opentelemetry/api';
import { detectResources, envDetector } from '@opentelemetry/resources';
import { NodeTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-node';

const [kind, count] = [process.argv[2], Number(process.argv[3])];
const exporters = {
  proto: '@opentelemetry/exporter-trace-otlp-proto',
  json: '@opentelemetry/exporter-trace-otlp-http',
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
};
const { OTLPTraceExporter } = await import(exporters[kind]);
const provider = new NodeTracerProvider({
  resource: detectResources({ detectors: [envDetector] }), // OTEL_SERVICE_NAME, as the auto-instrumentation reads it
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

const tracer = trace.getTracer('interop-node', '1.0');
const ids = [];
for (let i = 0; i < count; i++) {
  const span = tracer.startSpan(`node ${i}`, { attributes: { index: i, text: 'grüße', flag: i % 2 === 0, ratio: i / 3, list: ['a', 'b'] } });
  span.addEvent('half way', { step: i });
  span.end();
  ids.push(span.spanContext().spanId);
}
await provider.shutdown();
console.log(JSON.stringify(ids));
