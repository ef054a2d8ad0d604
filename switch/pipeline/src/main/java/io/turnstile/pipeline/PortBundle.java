package io.turnstile.pipeline;

import java.util.List;

/**
 * A Port of the database: the interfaces that serve it together, one or, of a bond, several. To NORMAL they are one
 * place.
 *
 * @param name of the Port
 * @param interfaces names of the OpenFlow ports, whether they are there or not
 */
public record PortBundle(String name, List<String> interfaces, PortVlan vlan) {
    public PortBundle {
        interfaces = List.copyOf(interfaces);
    }
}
