/** Readers of the outbox go by transaction, then by number. */
export const eventOrder = `
CREATE INDEX event_order ON event (transaction_id, seq);
`;
