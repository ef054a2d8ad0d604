package io.turnstile.telemetry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.turnstile.time.OncePerMinute;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoint answers {@code GET /metrics} over HTTP with a text made anew each time, in Prometheus' text format
 * 0.0.4. Other paths are not found, other methods not allowed. A virtual thread for each request: a slow reader keeps
 * nobody else waiting.
 *
 * <p>Threads: {@link #listen} and {@link #close} one after the other, by any.
 */
public final class MetricsEndpoint implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsEndpoint.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final String PATH = "/metrics";
    private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
    private static final int BACKLOG = 16;
    private static final int OK = 200;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int FAILED = 500;
    private static final int NO_BODY = -1;

    private final Supplier<String> page;
    private @Nullable Listening listening; // null: nowhere; guarded by this

    private record Listening(HttpServer server, ExecutorService requests) {}

    /** @param page makes the text; called by several threads at once */
    public MetricsEndpoint(Supplier<String> page) {
        this.page = page;
    }

    /**
     * Listens at that address instead of where it did before; at none if it is null.
     *
     * @throws IOException the address cannot be listened at: then it listens nowhere
     */
    public synchronized void listen(@Nullable InetSocketAddress address) throws IOException {
        close();
        if (address == null) {
            return;
        }
        HttpServer opened = HttpServer.create(address, BACKLOG);
        ExecutorService requests = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("metrics-request").factory());
        opened.setExecutor(requests);
        opened.createContext("/", this::answer);
        startAsDaemon(opened);
        listening = new Listening(opened, requests);
    }

    /** Starts the server from a daemon thread: its own thread inherits that, and must not keep the process alive. */
    private static void startAsDaemon(HttpServer opened) {
        Thread starter = Thread.ofPlatform().daemon().name("metrics").start(opened::start);
        try {
            starter.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The address that it listens at; null if it listens nowhere. */
    public synchronized @Nullable InetSocketAddress address() {
        return listening == null ? null : listening.server.getAddress();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!exchange.getRequestURI().getPath().equals(PATH)) {
                send(exchange, NOT_FOUND, "text/plain", "metrics are at " + PATH + "\n");
                return;
            }
            switch (exchange.getRequestMethod()) {
                case "GET", "HEAD" -> sendPage(exchange);
                default -> {
                    exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                    send(exchange, NOT_ALLOWED, "text/plain", "");
                }
            }
        }
    }

    private void sendPage(HttpExchange exchange) throws IOException {
        String text;
        try {
            text = page.get();
        } catch (RuntimeException e) { // contained: the switch does not depend on being looked at
            if (TOLD.isDue("metrics", e)) {
                LOG.warn("metrics cannot be read", e);
            }
            send(exchange, FAILED, "text/plain", e + "\n");
            return;
        }
        send(exchange, OK, CONTENT_TYPE, text);
    }

    private static void send(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head || body.length == 0 ? NO_BODY : body.length);
        if (!head && body.length > 0) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }

    /** Stops listening. */
    @Override
    public synchronized void close() {
        if (listening != null) {
            listening.server.stop(0);
            listening.requests.shutdownNow();
            listening = null;
        }
    }
}
