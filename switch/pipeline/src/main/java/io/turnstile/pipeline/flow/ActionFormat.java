package io.turnstile.pipeline.flow;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Actions as {@code ovs-ofctl dump-flows} prints them.
 *
 * @param context the flow's match: tells tcp_src from udp_src
 */
record ActionFormat(Match context) {

    String format(List<OfAction> actions) {
        return actions.isEmpty() ? "drop" : actions.stream().map(this::one).collect(Collectors.joining(","));
    }

    String one(OfAction action) {
        return action.kind().print(action, this);
    }

    String subField(OfAction.SubField part) {
        return SubFieldText.format(part, context);
    }
}
