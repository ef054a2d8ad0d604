package io.turnstile.appctl;

import io.turnstile.bridge.BridgeView;
import java.util.List;
import java.util.function.Supplier;

/** The name of the one datapath that there is: it bears the name that Open vSwitch would give it. Threads: any. */
final class DatapathName {
    private final Supplier<List<BridgeView>> bridges;

    DatapathName(Supplier<List<BridgeView>> bridges) {
        this.bridges = bridges;
    }

    /** The name; empty while there is no bridge, as Open vSwitch makes its datapath with the first one. */
    String present() {
        return bridges.get().isEmpty() ? "" : text();
    }

    /**
     * The name, whether there is a bridge or not: {@code dummy@ovs-dummy} if bridges are of that type, else
     * {@code netdev@ovs-netdev}.
     */
    String text() {
        return bridges.get().stream().anyMatch(BridgeView::isDummy) ? "dummy@ovs-dummy" : "netdev@ovs-netdev";
    }

    /** Whether a word means the datapath in {@code ofproto/trace}: its type, behind {@code ovs-} or not. */
    boolean isMeantBy(String word) {
        String type = text().substring(0, text().indexOf('@'));
        return word.equals(type) || word.equals("ovs-" + type) || isNamedBy(word);
    }

    /** Whether a word means the datapath; its type may be left out. */
    boolean isNamedBy(String word) {
        return word.equals(text()) || text().endsWith("@" + word);
    }
}
