package interop;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Throws, records each throwable with the real SDK, and prints what Throwable.getStackTrace says: a line for a throwable
 * ("throwable", which case, class, message), then one for each of its frames ("frame", class, method, file, line).
 */
public final class Raise {
  interface Raiser {
    void raise() throws Throwable;
  }

  static final class PayException extends Exception {
    PayException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  static final class Disk implements AutoCloseable {
    @Override
    public void close() {
      throw new IllegalArgumentException("close", new UnsupportedOperationException("why"));
    }
  }

  static int price(Map<String, Integer> order) {
    return order.get("price");
  }

  static void pay() throws PayException {
    try {
      price(Map.of());
    } catch (NullPointerException e) {
      throw new PayException("could not pay\nat all", e);
    }
  }

  static void deep(int depth) {
    if (depth == 0) {
      throw new IllegalStateException();
    }
    deep(depth - 1);
  }

  public static void main(String[] args) {
    boolean event = args[0].equals("event");
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder().disableShutdownHook().build().getOpenTelemetrySdk();
    var raisers = new java.util.LinkedHashMap<String, Raiser>();
    raisers.put("plain", () -> price(Map.of()));
    raisers.put("caused", () -> pay());
    raisers.put("suppressed", () -> {
      try (Disk disk = new Disk()) {
        pay();
      }
    });
    raisers.put("streamed", () -> List.of(0).stream().map(n -> 1 / n).toList());
    raisers.put("reflected", () -> Raise.class.getDeclaredMethod("pay").invoke(null));
    raisers.put("elsewhere", () -> CompletableFuture.supplyAsync(() -> 1 / price(Map.of("price", 0))).get());
    raisers.put("deep", () -> deep(20));
    raisers.forEach((name, raiser) -> {
      try {
        raiser.raise();
      } catch (Throwable thrown) {
        if (event) {
          var span = sdk.getTracer("raise").spanBuilder(name).startSpan();
          span.recordException(thrown);
          span.end();
        } else {
          log(sdk, name, thrown);
        }
        print(name, thrown);
      }
    });
    sdk.getSdkTracerProvider().shutdown().join(20, TimeUnit.SECONDS);
    sdk.getSdkLoggerProvider().shutdown().join(20, TimeUnit.SECONDS);
    System.exit(0);
  }

  private static void log(OpenTelemetrySdk sdk, String name, Throwable thrown) {
    var text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    var record = sdk.getSdkLoggerProvider().get("raise").logRecordBuilder().setSeverity(Severity.ERROR).setBody(name)
        .setAttribute(AttributeKey.stringKey("exception.type"), thrown.getClass().getName())
        .setAttribute(AttributeKey.stringKey("exception.stacktrace"), text.toString());
    if (thrown.getMessage() != null) {
      record.setAttribute(AttributeKey.stringKey("exception.message"), thrown.getMessage());
    }
    record.emit();
  }

  /** Causes first, then what was suppressed with its causes, as an item has them. */
  private static void print(String name, Throwable thrown) {
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      String message = each.getMessage() == null ? "" : each.getMessage().replace("\n", "\\n");
      System.out.println("throwable\t" + name + "\t" + each.getClass().getName() + "\t" + message);
      for (StackTraceElement frame : each.getStackTrace()) {
        String file = frame.isNativeMethod() ? "<native>" : frame.getFileName() == null ? "<unknown>" : frame.getFileName();
        System.out.println("frame\t" + frame.getClassName() + "\t" + frame.getMethodName() + "\t" + file + "\t"
            + Math.max(0, frame.getLineNumber()));
      }
    }
    for (Throwable suppressed : thrown.getSuppressed()) {
      print(name, suppressed);
    }
  }
}
