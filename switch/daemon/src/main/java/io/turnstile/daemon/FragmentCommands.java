package io.turnstile.daemon;

import io.turnstile.conntrack.fragment.FragmentFamily;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.conntrack.fragment.FragmentStatus;
import io.turnstile.conntrack.fragment.IncompleteDatagram;
import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlServer;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** {@code dpctl/ipf-…}: how fragments are held for tracking, as ovs-vswitchd(8) has it. */
final class FragmentCommands {
    private static final String INVALID = " (Invalid argument)";
    private static final String NOT_PERMITTED = " (Operation not permitted)";

    private final FragmentReassembler fragments;
    private final Supplier<String> datapath;

    /** @param datapath its present name, type included: these commands know it by no other */
    FragmentCommands(FragmentReassembler fragments, Supplier<String> datapath) {
        this.fragments = fragments;
        this.datapath = datapath;
    }

    void registerAll(ControlServer control) {
        control.register(
                "dpctl/ipf-set-enabled", "[dp] v4|v6", 1, 2, words -> run(words, 3, line -> setEnabled(line, true)));
        control.register(
                "dpctl/ipf-set-disabled", "[dp] v4|v6", 1, 2, words -> run(words, 3, line -> setEnabled(line, false)));
        control.register(
                "dpctl/ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 3, words -> run(words, 3, this::setMinFragment));
        control.register(
                "dpctl/ipf-set-max-nfrags", "[dp] maxfrags", 1, 2, words -> run(words, 2, this::setMaxFragments));
        control.register("dpctl/ipf-get-status", "[dp]", 0, 1, words -> run(words, 1, this::status));
    }

    private CommandReply run(List<String> words, int most, Function<DpctlLine, CommandReply> command) {
        return DpctlLine.run(words, line -> {
            CommandReply wrong = line.wrongDatapath(most, datapath.get());
            return wrong != null ? wrong : command.apply(line);
        });
    }

    private static CommandReply error(String text, String why) {
        return CommandReply.error("ovs-vswitchd: " + text + why);
    }

    private CommandReply setEnabled(DpctlLine line, boolean on) {
        FragmentFamily family = family(line.fromEnd(0));
        if (family == null) {
            return error("parameter missing: 'v4' for IPv4 or 'v6' for IPv6", INVALID);
        }
        fragments.setEnabled(family, on);
        return CommandReply.ok((on ? "enabling" : "disabling") + " fragmentation reassembly successful");
    }

    private CommandReply setMinFragment(DpctlLine line) {
        FragmentFamily family = family(line.fromEnd(1));
        if (family == null) {
            return error("parameter missing: v4 for IPv4 or v6 for IPv6", INVALID);
        }
        Long bytes = DpctlLine.unsigned32(line.fromEnd(0));
        if (bytes == null) {
            return error("parameter missing for minimum fragment size", INVALID);
        }
        if (bytes < FragmentFamily.LEAST_MIN_FRAGMENT_BYTES) {
            return error("requested minimum fragment size too small; see documentation", NOT_PERMITTED);
        }
        fragments.setMinFragmentBytes(family, bytes);
        return CommandReply.ok("setting minimum fragment size successful");
    }

    private CommandReply setMaxFragments(DpctlLine line) {
        Long most = DpctlLine.unsigned32(line.fromEnd(0));
        if (most == null) {
            return error("parameter missing for maximum fragments", INVALID);
        }
        if (most > FragmentReassembler.MOST_FRAGMENTS) {
            return error("setting maximum fragments failed", NOT_PERMITTED);
        }
        fragments.setMaxFragments(most.intValue());
        return CommandReply.ok("setting maximum fragments successful");
    }

    private static FragmentFamily family(String word) {
        String text = word.stripLeading();
        return text.startsWith("v4") ? FragmentFamily.IPV4 : text.startsWith("v6") ? FragmentFamily.IPV6 : null;
    }

    private CommandReply status(DpctlLine line) {
        FragmentStatus status = fragments.status();
        StringBuilder text = new StringBuilder("""
                        Fragmentation Module Status
                        ---------------------------
                        v4 enabled: %d
                        v6 enabled: %d
                        max num frags (v4/v6): %d
                        num frag: %d
                """.formatted(
                        status.ipv4().enabled() ? 1 : 0,
                        status.ipv6().enabled() ? 1 : 0,
                        status.maxFragments(),
                        status.held()));
        text.append(counts("v4", status.ipv4())).append(counts("v6", status.ipv6()));
        if (line.more()) {
            text.append("\n        Fragment Lists:\n\n");
            for (IncompleteDatagram datagram : fragments.incomplete()) {
                text.append(datagram.line()).append('\n');
            }
        }
        return CommandReply.ok(text.toString());
    }

    /** "Purged" are fragments that the peer's expiry has missed for ten seconds; ours comes round by itself. */
    private static String counts(String family, FragmentStatus.Family counts) {
        return """
                        min %1$s frag size: %2$d
                        %1$s frags accepted: %3$d
                        %1$s frags completed: %4$d
                        %1$s frags expired: %5$d
                        %1$s frags too small: %6$d
                        %1$s frags overlapped: %7$d
                        %1$s frags purged: 0
                """.formatted(
                        family,
                        counts.minFragmentBytes(),
                        counts.accepted(),
                        counts.completed(),
                        counts.expired(),
                        counts.tooSmall(),
                        counts.overlapped());
    }
}
