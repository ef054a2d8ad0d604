package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.LabelStack;
import io.turnstile.packet.EtherTypes;
import java.util.ArrayList;
import java.util.List;

/**
 * The label stack of a packet as far as its key tells. It finds the datapath actions that lead from one stack to
 * another.
 *
 * @param entries the outermost first
 * @param etherType the packet's, that of the stack while there is one
 */
record LabelEntries(List<Integer> entries, int etherType) {

    static LabelEntries of(long[] key) {
        List<Integer> entries = new ArrayList<>();
        for (Field field : LabelStack.fields().subList(0, LabelStack.length(key))) {
            entries.add((int) field.get(key));
        }
        return new LabelEntries(entries, (int) Field.ETH_TYPE.get(key));
    }

    private boolean isLabelled() {
        return EtherTypes.isMpls(etherType);
    }

    /** Whether the packet loses its labels, so that what is behind them can be rewritten afterwards. */
    boolean isLaidBareBy(LabelEntries wanted) {
        return isLabelled() && !wanted.isLabelled();
    }

    /**
     * Appends what turns a packet with this stack into one with {@code wanted}: entries are popped down to those that
     * both have and pushed again, except that one that only differs is rewritten where it is. While entries are left
     * they are of the type of MPLS, whatever the packet will be.
     */
    void transform(LabelEntries wanted, List<DatapathAction> actions) {
        List<Integer> left = new ArrayList<>(entries);
        List<Integer> goal = wanted.entries;
        int common = common(left, goal);
        while (left.size() > common) {
            if (left.size() - 1 == common && goal.size() > common) {
                int entry = goal.get(goal.size() - left.size());
                actions.add(new DatapathAction.SetField(
                        Field.MPLS_LSE, 0, Integer.toUnsignedLong(entry), 0, Field.MPLS_LSE.lowMask()));
                left.set(0, entry);
                common++;
            } else {
                boolean labelsLeft = !wanted.isLabelled() && left.size() > 1;
                actions.add(new DatapathAction.PopMpls(labelsLeft ? EtherTypes.MPLS : wanted.etherType));
                left.removeFirst();
            }
        }
        for (int depth = left.size(); depth < goal.size(); depth++) {
            actions.add(new DatapathAction.PushMpls(wanted.etherType, goal.get(goal.size() - depth - 1)));
        }
    }

    /** The same where there are no more of them, and those that are new stand in front of everything. */
    void stackUp(LabelEntries wanted, List<DatapathAction> actions) {
        for (int depth = entries.size(); depth < wanted.entries.size(); depth++) {
            int entry = wanted.entries.get(wanted.entries.size() - depth - 1);
            actions.add(new DatapathAction.AddMpls(wanted.etherType, entry));
        }
    }

    /** How many entries, from the innermost one on, are alike. */
    private static int common(List<Integer> a, List<Integer> b) {
        int alike = 0;
        while (alike < Math.min(a.size(), b.size())
                && a.get(a.size() - 1 - alike).equals(b.get(b.size() - 1 - alike))) {
            alike++;
        }
        return alike;
    }
}
