drop table notifications, deliveries, outbox;
