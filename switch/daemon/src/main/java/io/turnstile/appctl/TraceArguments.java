package io.turnstile.appctl;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.FlagNames;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The arguments of {@code ofproto/trace}, where options may stand anywhere.
 *
 * @param named all that are not options
 * @param ctStates {@code --ct-next}, in their order
 * @param generate {@code -generate}: a packet is made of the flow
 * @param names {@code --names}: ports of the datapath are shown by name
 * @param consistent {@code -consistent}: actions are held to all prerequisites
 * @param payload {@code --l7}, {@code --l7-len}: the data of a packet that is made
 */
record TraceArguments(
        List<String> named,
        List<Integer> ctStates,
        boolean generate,
        boolean names,
        boolean consistent,
        byte[] payload) {
    private static final int MAX_NAMED = 3;
    private static final int MAX_PAYLOAD_BYTES = 64_000;

    /** Takes the words of the command apart. */
    static TraceArguments parse(List<String> arguments) throws BadArgument {
        List<String> named = new ArrayList<>();
        List<Integer> states = new ArrayList<>();
        boolean generate = false;
        boolean names = false;
        boolean consistent = false;
        byte[] payload = FlowComposer.counting(FlowComposer.PAYLOAD_BYTES);
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            boolean takesWord = List.of("--ct-next", "--l7", "--l7-len").contains(argument);
            if (takesWord && ++i == arguments.size()) {
                throw new BadArgument("Missing argument for option " + argument);
            }
            switch (argument) {
                case "--ct-next" -> states.add(ctState(arguments.get(i)));
                case "--l7" -> payload = payload(arguments.get(i));
                case "--l7-len" -> payload = FlowComposer.counting(payloadBytes(arguments.get(i)));
                case "-generate", "--generate" -> generate = true;
                case "-names", "--names" -> names = true;
                case "-consistent", "--consistent" -> consistent = true;
                default -> {
                    if (argument.startsWith("-")) {
                        throw new BadArgument(argument + ": unknown option");
                    } else if (named.size() == MAX_NAMED) {
                        throw new BadArgument("too many arguments");
                    }
                    named.add(argument);
                }
            }
        }
        return new TraceArguments(List.copyOf(named), List.copyOf(states), generate, names, consistent, payload);
    }

    private static byte[] payload(String text) throws BadArgument {
        String digits = text.replaceAll("\\s+", "");
        if (!digits.matches("([0-9a-fA-F]{2})*")) {
            throw new BadArgument("Trailing garbage in packet data");
        }
        if (digits.length() / 2 > MAX_PAYLOAD_BYTES) {
            throw new BadArgument("too much L7 data");
        }
        return HexFormat.of().parseHex(digits);
    }

    private static int payloadBytes(String text) throws BadArgument {
        Long bytes = DpctlLine.unsigned32(text);
        if (bytes != null && bytes > MAX_PAYLOAD_BYTES) {
            throw new BadArgument(text + ": too much L7 data");
        }
        return bytes == null ? 0 : bytes.intValue();
    }

    private static int ctState(String text) throws BadArgument {
        int state = 0;
        for (String flag : text.split("[, ]+")) {
            long bit = FlagNames.CT_STATE.bit(flag);
            if (bit == 0 && !flag.isEmpty()) {
                throw new BadArgument(flag + ": unknown connection tracking state flag");
            }
            state |= (int) bit;
        }
        checkPossible(state);
        return state;
    }

    /** Checks that the flags go together (ovs-fields(7), ct_state). */
    private static void checkPossible(int state) throws BadArgument {
        StringBuilder faults = new StringBuilder();
        String begin = FlagNames.CT_STATE.set(state, "") + ": invalid connection state: ";
        if (state != 0 && (state & CtState.TRK) == 0) {
            faults.append(begin).append("If \"trk\" is unset, no other flags are set\n");
        }
        if ((state & CtState.INV) != 0 && (state & ~(CtState.TRK | CtState.INV)) != 0) {
            faults.append(begin).append("when \"inv\" is set, only \"trk\" may also be set\n");
        }
        if ((state & CtState.NEW) != 0 && (state & CtState.EST) != 0) {
            faults.append(begin).append("\"new\" and \"est\" are mutually exclusive\n");
        }
        if ((state & CtState.NEW) != 0 && (state & CtState.RPL) != 0) {
            faults.append(begin).append("\"new\" and \"rpy\" are mutually exclusive\n");
        }
        if (!faults.isEmpty()) {
            throw new BadArgument(faults.toString());
        }
    }
}
