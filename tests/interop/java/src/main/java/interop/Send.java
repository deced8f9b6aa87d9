package interop;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Sends spans as the real Java SDK does when it is configured by the environment, and prints their ids as JSON. */
public final class Send {
  public static void main(String[] args) {
    int count = Integer.parseInt(args[0]);
    var sdk = AutoConfiguredOpenTelemetrySdk.builder().disableShutdownHook().build().getOpenTelemetrySdk();
    Tracer tracer = sdk.getTracer("interop-java");
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Span span = tracer.spanBuilder("java " + i).setAttribute("index", i).setAttribute("text", "gr\u00fc\u00dfe")
          .setAttribute(AttributeKey.stringArrayKey("list"), List.of("a", "b")).startSpan();
      span.addEvent("half way");
      span.end();
      ids.add('"' + span.getSpanContext().getSpanId() + '"');
    }
    sdk.getSdkTracerProvider().shutdown().join(20, TimeUnit.SECONDS);
    System.out.println("[" + String.join(",", ids) + "]");
    System.exit(0);
  }
}
