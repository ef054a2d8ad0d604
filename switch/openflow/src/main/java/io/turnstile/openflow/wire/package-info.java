/**
 * OpenFlow on the wire, versions 1.0, 1.3 and 1.5: bytes from and to the pipeline's version-free records.
 *
 * <p>The split with OpenFlowJ: whole messages whose content is standard are read and written by it. What carries a
 * match, an action list or Nicira content (flow_mod, flow statistics, packet_in, packet_out, flow_removed, Nicira and
 * ONF experimenter messages) is framed here, because OpenFlowJ's lists reject a message as a whole at the first action
 * or match field that it does not know. Inside such a list each standard action is still read and written by OpenFlowJ
 * ({@link io.turnstile.openflow.wire.StandardActions}); matches and Nicira actions go by the table
 * {@link io.turnstile.pipeline.flow.MatchField} and the list in {@link io.turnstile.openflow.wire.NiciraActions}.
 *
 * <p>Decoders throw {@link io.turnstile.pipeline.flow.OfException} with the specification's error and nothing else,
 * whatever the bytes. Threads: stateless.
 */
@NullMarked
package io.turnstile.openflow.wire;

import org.jspecify.annotations.NullMarked;
