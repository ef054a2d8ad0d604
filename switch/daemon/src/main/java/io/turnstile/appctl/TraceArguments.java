package io.turnstile.appctl;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.FlagNames;
import java.util.ArrayList;
import java.util.List;

/**
 * The arguments of {@code ofproto/trace}, where options may stand anywhere.
 *
 * @param named all that are not options
 * @param ctStates {@code --ct-next}, in their order
 */
record TraceArguments(List<String> named, List<Integer> ctStates) {
    private static final int MAX_NAMED = 3;

    /** Takes the words of the command apart. */
    static TraceArguments parse(List<String> arguments) throws BadArgument {
        List<String> named = new ArrayList<>();
        List<Integer> states = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (argument.equals("--ct-next")) {
                if (++i == arguments.size()) {
                    throw new BadArgument("Missing argument for option --ct-next");
                }
                states.add(ctState(arguments.get(i)));
            } else if (argument.startsWith("-")) {
                throw new BadArgument(argument + ": unknown option");
            } else if (named.size() == MAX_NAMED) {
                throw new BadArgument("too many arguments");
            } else {
                named.add(argument);
            }
        }
        return new TraceArguments(List.copyOf(named), List.copyOf(states));
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
