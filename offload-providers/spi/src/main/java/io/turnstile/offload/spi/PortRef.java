package io.turnstile.offload.spi;

import org.jspecify.annotations.Nullable;

/**
 * A port of the switch.
 *
 * @param number datapath port number, the one {@code dpctl/show} prints
 * @param name interface name, or null if the port has gone since
 */
public record PortRef(int number, @Nullable String name) {
    @Override
    public String toString() {
        return name == null ? "port " + number : name + "(" + number + ")";
    }
}
