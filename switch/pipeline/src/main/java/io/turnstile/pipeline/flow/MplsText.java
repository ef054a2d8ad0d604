package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.SetMpls.Part;
import java.util.Locale;

/** The text of actions on MPLS label stacks. */
final class MplsText {
    private MplsText() {}

    /** Any type: whether labels may be of it is seen where the flow is checked. */
    static int readType(String action, String value) throws FlowTextException {
        return (int) Numbers.parse(action, value, 0xffff);
    }

    static OfAction.SetMpls read(Part part, String value) throws FlowTextException {
        if (value.isEmpty()) {
            throw new FlowTextException(
                    nameOf(part) + ": expected " + part.name().toLowerCase(Locale.ROOT) + ".");
        }
        return new OfAction.SetMpls(
                part,
                switch (part) {
                    case LABEL -> bounded("label", Numbers.parse32(value), 0xf_ffff, value);
                    case TC -> bounded("TC", (int) Numbers.parse("MPLS TC", value, 0xff), 7, value);
                    case TTL -> (int) Numbers.parse("MPLS TTL", value, 0xff);
                });
    }

    private static int bounded(String what, int number, int max, String text) throws FlowTextException {
        if ((number & ~max) != 0) {
            throw new FlowTextException(text + ": not a valid MPLS " + what);
        }
        return number;
    }

    static String print(OfAction.SetMpls a) {
        return nameOf(a.part()) + "(" + a.value() + ")";
    }

    private static String nameOf(Part part) {
        return "set_mpls_" + part.name().toLowerCase(Locale.ROOT);
    }
}
