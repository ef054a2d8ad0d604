package io.turnstile.appctl;

import java.util.List;

/**
 * {@code type=TYPE[,TYPE]...} of {@code dpctl/dump-flows}: which datapath flows are shown. As in Open vSwitch a flow
 * that somebody else carries packets of is {@code offloaded}, and the others are those of layer {@code ovs}. There are
 * none of {@code tc} and {@code dpdk}, and none that are {@code partially-offloaded}: helped by hardware on their way
 * through software.
 *
 * @param carried whether flows are shown of which packets are carried
 * @param others whether the others are
 */
record FlowTypes(boolean carried, boolean others) {
    static final String KEY = "type=";
    private static final FlowTypes ALL = new FlowTypes(true, true);

    /** The types that the command's words ask for; all if they do not. */
    static FlowTypes in(List<String> words) throws BadArgument {
        for (String word : words) {
            if (word.startsWith(KEY)) {
                return parse(word.substring(KEY.length()));
            }
        }
        return ALL;
    }

    private static FlowTypes parse(String list) throws BadArgument {
        FlowTypes shown = new FlowTypes(false, false);
        for (String type : list.isEmpty() ? List.<String>of() : List.of(list.split(",", -1))) {
            shown = shown.and(
                    switch (type) {
                        case "all" -> ALL;
                        case "offloaded" -> new FlowTypes(true, false);
                        case "ovs", "non-offloaded" -> new FlowTypes(false, true);
                        case "tc", "dpdk", "partially-offloaded" -> new FlowTypes(false, false);
                        default -> throw new BadArgument("Failed to parse type (" + type + ")");
                    });
        }
        return shown;
    }

    private FlowTypes and(FlowTypes other) {
        return new FlowTypes(carried || other.carried, others || other.others);
    }

    boolean shows(boolean isCarried) {
        return isCarried ? carried : others;
    }
}
