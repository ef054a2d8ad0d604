package io.turnstile.port;

import java.util.Map;

/** Opens a port by the type that {@code Interface:type} names. Threads: any. */
@FunctionalInterface
public interface PortFactory {

    /**
     * Opens the port.
     *
     * @param type {@code system} or empty, {@code internal}, {@code tap}, {@code dummy}
     * @param options {@code Interface:options}
     * @throws PortException with the message that Interface:error shows
     */
    Port open(String type, String name, Map<String, String> options);
}
