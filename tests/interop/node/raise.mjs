// Raises errors, records each with the real SDK, and prints what V8's structured API says about them as JSON.
// usage: node raise.mjs event|log; the endpoint comes from OTEL_EXPORTER_OTLP_ENDPOINT as in any app
import { inspect } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const way = process.argv[2];
const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
const traces = new NodeTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())] });
traces.register();
const logs = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter() })] });

// The text is made of the same call sites as V8 makes it of; they are kept beside it.
const sites = new Map();
Error.prepareStackTrace = (error, callSites) => {
  sites.set(error, callSites.map(site => ({
    filename: site.getFileName() ?? null,
    line: site.getLineNumber(),
    column: site.getColumnNumber(),
    name: site.getFunctionName(),
    constructor: site.isConstructor(),
    evaluated: site.isEval() ? site.getEvalOrigin() : null,
  })));
  return [String(error), ...callSites.map(site => `    at ${site}`)].join('\n');
};

class PayError extends Error {
  name = 'PayError';
}

class Cart {
  #order;
  constructor(order) {
    if (!order) throw new TypeError('no order\nat all');
    this.#order = order;
  }
  get total() { return this.#order.lines.map(line => line.price.amount); }
  async pay() {
    await wait(1);
    try {
      return this.total;
    } catch (error) {
      throw new PayError('could not pay', { cause: error });
    }
  }
  static async checkout(order) { return await new Cart(order).pay(); }
}

const raisers = {
  constructed: () => new Cart(),
  getter: () => new Cart({ lines: [{}] }).total,
  awaited: () => Cart.checkout({ lines: [{}] }),
  all: () => Promise.all([Cart.checkout({ lines: [{}] })]),
  evaluated: () => eval('(function inside() { throw new RangeError("in evaluated code") })()'),
  internal: () => JSON.parse('{"a": '),
  deep: function deep(depth = 8) { if (depth === 0) throw new Error('too deep'); deep(depth - 1); },
};

const said = {};
for (const [name, raise] of Object.entries(raisers)) {
  try {
    await raise();
  } catch (error) {
    const chain = [];
    for (let each = error; each; each = each.cause) {
      const text = each.stack; // now at the latest V8 asks for it
      chain.push({ type: each.name, message: each.message, frames: sites.get(each), text });
    }
    if (way === 'event') {
      const span = trace.getTracer('raise').startSpan(name);
      span.recordException(error);
      span.end();
      said[name] = chain.slice(0, 1); // V8's own text has no causes
    } else {
      logs.getLogger('raise').emit({
        severityNumber: SeverityNumber.ERROR,
        body: name,
        attributes: { 'exception.type': error.name, 'exception.message': error.message, 'exception.stacktrace': inspect(error) },
      });
      said[name] = chain;
    }
  }
}
await traces.shutdown();
await logs.shutdown();
console.log(JSON.stringify(said));
