package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** Turns the name of a port into its number; asked for what is neither a number nor a reserved name. */
@FunctionalInterface
public interface PortNames {
    /** Knows no names. */
    PortNames NONE = name -> OptionalInt.empty();

    OptionalInt number(String name);

    /** Reads a number, a reserved name in either case, or one of these names; empty if it is none of them. */
    default OptionalInt parse(String text) {
        Integer reserved = Reserved.BY_NAME.get(text.toUpperCase(Locale.ROOT));
        if (reserved != null) {
            return OptionalInt.of(reserved);
        }
        if (!text.isEmpty() && Character.isDigit(text.charAt(0))) {
            try {
                return widen(Long.decode(text.matches("0[0-9]+") ? text.replaceFirst("^0+(?=.)", "") : text));
            } catch (NumberFormatException notANumber) {
                return number(text);
            }
        }
        return number(text);
    }

    /** OpenFlow 1.0's 16-bit reserved numbers mean the same as their 32-bit successors. */
    private static OptionalInt widen(long number) {
        if (number >= 0 && number < Ports.MAX_16_BITS) {
            return OptionalInt.of((int) number);
        }
        boolean reserved16 = number >= (Ports.UNSET & 0xffff) && number <= 0xffff;
        boolean reserved32 = number >= Integer.toUnsignedLong(Ports.UNSET) && number <= 0xffffffffL;
        return reserved16 || reserved32 ? OptionalInt.of(Ports.widened((int) number)) : OptionalInt.empty();
    }

    /** The number, or the reserved name in capitals as {@code ovs-ofctl} prints it. */
    static String format(int port) {
        String name = Reserved.BY_NUMBER.get(port);
        return name != null ? name : Integer.toUnsignedString(port);
    }

    /** The reserved ports by name and by number. */
    final class Reserved {
        static final Map<String, Integer> BY_NAME = Map.ofEntries(
                Map.entry("UNSET", Ports.UNSET),
                Map.entry("IN_PORT", Ports.IN_PORT),
                Map.entry("TABLE", Ports.TABLE),
                Map.entry("NORMAL", Ports.NORMAL),
                Map.entry("FLOOD", Ports.FLOOD),
                Map.entry("ALL", Ports.ALL),
                Map.entry("CONTROLLER", Ports.CONTROLLER),
                Map.entry("LOCAL", Ports.LOCAL),
                Map.entry("NONE", Ports.NONE),
                Map.entry("ANY", Ports.NONE));
        static final Map<Integer, String> BY_NUMBER = Map.of(
                Ports.UNSET,
                "UNSET",
                Ports.IN_PORT,
                "IN_PORT",
                Ports.TABLE,
                "TABLE",
                Ports.NORMAL,
                "NORMAL",
                Ports.FLOOD,
                "FLOOD",
                Ports.ALL,
                "ALL",
                Ports.CONTROLLER,
                "CONTROLLER",
                Ports.LOCAL,
                "LOCAL",
                Ports.NONE,
                "ANY");

        private Reserved() {}
    }
}
